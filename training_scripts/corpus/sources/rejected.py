"""Records that are no documents: set aside with their reasons, up to a number of them, here and on Spark."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from training_scripts.corpus.errors import CorpusError
from training_scripts.versions import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHOWN_CHARACTERS: Final = 200
UNSEGMENTED: Final = "unsegmented text"
"""How the reason begins that ends a preparation, however many records may be set aside."""
_KINDS: Final = {
    UNSEGMENTED: UNSEGMENTED,
    "not UTF-8": "not UTF-8",
    "is not JSON": "not JSON",
    "is not CSV": "not CSV",
    "where the header has": "of another width than the header",
    "where a JSON object is needed": "no JSON object",
    "has no field": "a field is missing",
    "where text is needed": "the text is no text",
    "where text or a whole number is needed": "an id or label is neither text nor a whole number",
    "where one of": "the part is none of train, validation and test",
    "cannot be written as UTF-8": "an id or label cannot be written as UTF-8",
    "is a link to": "link to what is not there",
}


class Rejected(NamedTuple):
    """A record that is no document: why, and how it begins."""

    reason: str
    line: str


class Rejects:
    """Takes the records of a source that are no documents, and writes them to a file, a JSON object a line."""

    def __init__(self, most: int = 0, file: Path | None = None) -> None:
        """Allow `most` of them; with none, the first is an error by its own reason."""
        self._most, self._file = most, file
        self._kinds: Counter[str] = Counter()

    def begin(self) -> None:
        """Forget what an earlier reading has set aside."""
        self._kinds.clear()
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def add(self, reason: str, line: str) -> None:
        """Set a record aside.

        Raises:
            CorpusError: it is one more than may be.
        """
        if not self._most or self._file is None:
            raise CorpusError(reason)
        self._kinds[kind_of(reason)] += 1
        if self._kinds.total() > self._most:
            raise CorpusError(too_many(self._kinds, self._most, self._file))
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("ab") as stream:
            stream.write(written(Rejected(reason, line[:SHOWN_CHARACTERS])))

    def summary(self) -> str | None:
        """Return what has been set aside, and where it is; None where nothing has."""
        if not self._kinds:
            return None
        return f"{self._kinds.total():,} records set aside ({counted(self._kinds)}): {self._file}"


def written(rejected: Rejected) -> bytes:
    """Return a record of the file of rejects; half a surrogate pair is written as an escape."""
    return canonical_json(
        {name: text.encode("utf-8", "backslashreplace").decode() for name, text in rejected._asdict().items()}
    )


def kind_of(reason: str) -> str:
    """Return the kind of a reason: what it says of the one record is left out, so that reasons can be counted."""
    return next((kind for words, kind in _KINDS.items() if words in reason), "other")


def counted(kinds: Mapping[str, int]) -> str:
    """Return the counts of kinds in words."""
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))


def too_many(kinds: Mapping[str, int], most: int, file: object) -> str:
    """Return the sentence that refuses a source with more such records than may be."""
    return (
        f"{sum(kinds.values()):,} records are no documents ({counted(kinds)}), where --max-rejected allows {most:,}: "
        f"{file} has some of them"
    )
