"""The classes of a model from outside, in the order of its outputs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.errors import PackInvalid
from core.regions import EMFACS

# Other words for the expressions whose action units EMFACS names. Nothing is guessed beyond this table.
SYNONYMS: Final = {
    "angry": "anger",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "afraid": "fear",
    "fearful": "fear",
    "scared": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}
# Words that stand for something else where a class is asked for.
TAKEN: Final = ("predicted", "runner-up", "nothing", "off")
LONGEST: Final = 64


def read_labels(given: str) -> tuple[str, ...]:
    """Labels from `a,b,c`, or from a text file with one on each line. PackInvalid names what is wrong with them."""
    path = Path(given)
    if "," not in given and path.is_file():
        try:
            labels = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
        except (OSError, UnicodeDecodeError) as error:
            raise PackInvalid(f"The labels in {path} cannot be read: {error}.") from error
    elif "," not in given and path.suffix:
        raise PackInvalid(f"There is no file of labels {path}.")
    else:
        labels = tuple(label.strip() for label in given.split(","))
    for label in labels:
        if not label or len(label) > LONGEST or not label.isprintable():
            raise PackInvalid(f"A label has 1 to {LONGEST} printable letters, got {label!r}.")
        if label.casefold() in TAKEN:
            raise PackInvalid(f"A class cannot be called '{label}': that word has a meaning of its own here.")
    if len(set(labels)) != len(labels):
        raise PackInvalid(f"Labels must differ from each other, got {', '.join(labels)}.")
    return labels


def known_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels under the names of EMFACS where they are one of its words or a synonym, so that regions are expected."""
    named = []
    for label in labels:
        word = label.casefold()
        name = SYNONYMS.get(word, word)
        named.append(name if name in EMFACS else label)
    return tuple(named) if len(set(named)) == len(named) else tuple(labels)


def check_count(labels: Sequence[str], classes: int, output: str, others: Sequence[str]) -> None:
    """PackInvalid unless there are classes to tell apart, and one label for each score of the output."""
    elsewhere = f" --output chooses another: {', '.join(others)}." if others else ""
    if classes < 2:
        raise PackInvalid(f"'{output}' has one score, and a pack tells at least two classes apart.{elsewhere}")
    if len(labels) != classes:
        raise PackInvalid(
            f"'{output}' has {classes} scores, so --labels must name {classes} classes; got {len(labels)}.{elsewhere}"
        )
