"""Rules of functions of one value, element by element."""

from core.explain.emit import Signals, Step


def relu_gradient(step: Step) -> Signals:
    """Pass the gradient where the unit is active."""
    return step.to(step.emit("Mul", step.factor(), step.emit("Sign", step.output)))


def relu_pass(step: Step) -> Signals:
    """Relevance passes; it still belongs to the value after the ReLU, and an inactive unit has none."""
    return [step.signal]
