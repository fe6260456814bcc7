"""Two threads around a source and a pipeline: read `engine.py` for what it does, `run.py` for how.

A package, because playback (pause, seek, step, loop), the automatic rate of explanations and the status are nouns of
their own.
"""

from core.engine.clock import Clock, SystemClock
from core.engine.engine import Engine
from core.engine.run import Processor
from core.engine.status import EngineStatus, State

__all__ = ["Clock", "Engine", "EngineStatus", "Processor", "State", "SystemClock"]
