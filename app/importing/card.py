"""The card of an imported pack: what is known of it, and what is not."""

from dataclasses import dataclass

from app.importing.preparation import Guess
from app.importing.trial import Trial, failures
from core.packs import Pack
from core.regions import EMFACS


@dataclass(frozen=True)
class Origin:
    """The file that was imported.

    Attributes
    ----------
    ending
        What its output is, in words.
    gap
        Largest difference of a probability between the file and the pack, on the sample faces.
    notes
        What a person should know of it.
    """

    file: str
    sha256: str
    licence: str
    ending: str
    gap: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What the card tells.

    Attributes
    ----------
    answer
        What the pack reads in the first sample face, for example "happiness 0.93".
    sheet
        Name of the picture on which the methods are compared; None where there is none.
    """

    pack: Pack
    origin: Origin
    given_labels: tuple[str, ...]
    guess: Guess
    answer: str
    trials: tuple[Trial, ...]
    sheet: str | None


def write_card(facts: Facts) -> str:
    """Markdown for CARD.md."""
    return "\n".join([_introduction(facts), _input(facts), _classes(facts), _methods(facts), _LIMITS])


def _introduction(facts: Facts) -> str:
    origin = facts.origin
    return f"""# {facts.pack.id}

Imported from `{origin.file}` (SHA-256 {origin.sha256}).

- **Licence:** {origin.licence}
- **Training data, authors, accuracy:** unknown to Mienscope. Nothing was measured.
- The file ends in {origin.ending}.
- On faces of the demo clip the pack reproduces what the file gives within {origin.gap:.1e}.
- On the first face of the demo clip it reads: {facts.answer}.
{"".join(f"- {note}" + chr(10) for note in origin.notes)}"""


def _input(facts: Facts) -> str:
    preparation, size = facts.guess.preparation, facts.pack.manifest.input.size
    tried = "".join(f"  - {line}\n" for line in facts.guess.table)
    return f"""## What it is given

- An aligned face of {size} x {size} px. How faces were cut out for its training is unknown.
- Preparation: {preparation.text}.
- How that is known: {facts.guess.evidence}.{" It was tried against:" if tried else ""}
{tried}"""


def _classes(facts: Facts) -> str:
    rows = []
    for given, label in zip(facts.given_labels, facts.pack.labels, strict=True):
        renamed = f" (given as '{given}')" if given != label else ""
        expected = "" if label in EMFACS else ": no action units are known for it, so no regions are expected"
        rows.append(f"- {label}{renamed}{expected}")
    return "## Classes\n\n" + "\n".join(rows) + "\n"


def _methods(facts: Facts) -> str:
    works = "; ".join(trial.title for trial in facts.trials if trial.problem is None)
    fails = "".join(f"- {'; '.join(titles)}. {reason}\n" for reason, titles in failures(facts.trials).items())
    shown = f" `{facts.sheet}` shows them on that face." if facts.sheet else ""
    return f"## Explanations\n\nWork: {works}.{shown}\n" + (f"\nDo not work:\n\n{fails}" if fails else "")


_LIMITS = """## For whom it is not

Not for diagnosis, and not for any decision about a person. Not a medical device. What it reads in your pictures has
not been compared with anything.
"""
