"""Raw text to counts, by the regular expression and the map of surface forms that the corpus preparation wrote.

Only `re` and a dictionary: lemmas and stop words were settled when the map was made.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from topics_function.reading import records
from topics_function.reading.plain_text import SEGMENTED, PlainText
from topics_function.reading.token_rule import rule_of
from url_functions.limits import MAX_UNBROKEN_CHARACTERS
from url_functions.problems import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


_PIECE_CHARACTERS: Final = 1 << 17
"""About how much of a document is counted at a time: its words take 20 times the memory of its text."""
_find_white_space: Final = re.compile(r"\s").search
_STOP_WORD: Final = -1
"""What stands for a word's id where the word was left out on purpose."""


class UnbrokenTextError(ValueError):
    """A text too long to be counted at once, without white space to part it at."""


class UnsegmentedTextError(ValueError):
    """A text of a script whose words the vocabulary has parted, in which nothing parts them."""

    def __init__(self, script: str, parted_by: str) -> None:
        super().__init__(script)
        self.script = script
        self.parted_by = parted_by


class VocabularyError(ValueError):
    """A vocabulary file that is not what the preparation writes."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One document's words: how many, stop words left out, how many known, and the counts of the known by word id."""

    words: int
    known: int
    counts: Mapping[int, int]

    @property
    def unknown_share(self) -> float:
        """Share of the words that the vocabulary does not know, 0 to 1; 1 for a document without any."""
        return 1 - self.known / self.words if self.words else 1.0


class Vocabulary:
    """The words of one corpus. Immutable; one is made per corpus version and kept.

    `stop_forms` are words that were left out on purpose, and so are not unknown.
    """

    def __init__(
        self,
        *,
        words_of: Callable[[str], list[str]],
        forms: dict[str, int],
        stop_forms: list[str],
        words: list[str],
        vocabulary_hash: str | None,
        plain: PlainText | None = None,
    ) -> None:
        self.words = words
        self.vocabulary_hash = vocabulary_hash
        self._words_of = words_of
        self._plain = plain or PlainText({})
        self._id_of = {**dict.fromkeys(stop_forms, _STOP_WORD), **forms}.get

    @property
    def feature_dim(self) -> int:
        """Number of words, the width of a row of counts."""
        return len(self.words)

    @classmethod
    def from_json(cls, data: bytes) -> Vocabulary:
        """Read `surface_forms.json`.

        Raises:
            VocabularyError: where a member is missing or of another kind.
        """
        try:
            content = json.loads(data)
            words, forms = content["words"], content["forms"]
            if not isinstance(words, list) or not isinstance(forms, dict) or len(words) != content["feature_dim"]:
                raise VocabularyError("words is not a list of feature_dim words, or forms is not an object")
            if not forms or not all(type(key) is int and 0 <= key < len(words) for key in forms.values()):
                raise VocabularyError("forms is empty or names an id that no word has")
            # A corpus that was prepared before they were kept has none.
            stop_forms = content.get("stop_forms", [])
            if not isinstance(stop_forms, list) or not all(type(form) is str for form in stop_forms):
                raise VocabularyError("stop_forms is not a list of words")
            return cls(
                words_of=rule_of(content).tokens_of,
                forms=forms,
                stop_forms=stop_forms,
                words=words,
                vocabulary_hash=content.get("vocabulary_hash"),
                plain=PlainText(content),
            )
        except (KeyError, TypeError, re.error, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise VocabularyError(f"the vocabulary file cannot be used: {type(error).__name__}: {error}") from None

    def count(self, text: str) -> Counted:
        """Count the words of one document, exactly as the preparation counts them.

        Raises:
            UnsegmentedTextError: its words are not parted, and those of the vocabulary are.
            UnbrokenTextError: it has more than `MAX_UNBROKEN_CHARACTERS` without white space.
        """
        text = self._plain.text_of(text)
        if (script := self._plain.unsegmented(text)) is not None:
            raise UnsegmentedTextError(script, self._plain.scripts[script].by)
        counts: Counter[int | None] = Counter()
        for piece in _pieces_of(text):
            counts.update(map(self._id_of, self._words_of(piece)))
        unknown = counts.pop(None, 0)
        del counts[_STOP_WORD]
        known = counts.total()
        return Counted(known + unknown, known, cast("Counter[int]", counts))


def _pieces_of(text: str) -> Iterator[str]:
    """Yield a document in pieces that begin with white space: no word, and no mark, goes beyond it."""
    start = 0
    while len(text) - start > _PIECE_CHARACTERS:
        space = _find_white_space(text, start + _PIECE_CHARACTERS)
        end = space.start() if space is not None else len(text)
        if end - start > MAX_UNBROKEN_CHARACTERS:
            raise UnbrokenTextError
        yield text[start:end]
        start = end
    yield text[start:] if start else text


def document_rows(
    documents: Iterable[object], vocabulary: Vocabulary, pointer_of: Callable[[int], str | None]
) -> tuple[list[bytes | Problem], list[Counted | None]]:
    """Return the record of each text or its problem, and how its words were counted.

    Args:
        documents: texts; a problem that reading one has met stays in its place.
        vocabulary: of the model that is to score them.
        pointer_of: gives the JSON pointer of the document of an index from 0, None where the body is no JSON.
    """
    rows: list[bytes | Problem] = []
    counts: list[Counted | None] = []
    feature_dim = vocabulary.feature_dim
    for index, document in enumerate(documents):
        try:
            counted = vocabulary.count(document) if isinstance(document, str) else None
        except (UnbrokenTextError, UnsegmentedTextError) as error:
            counts.append(None)
            rows.append(_refused(error, index, pointer_of(index)))
            continue
        if counted is not None and counted.known:
            rows.append(records.of_counts(counted.counts, counted.counts.values(), feature_dim))
            # The record has the counts now, and they take ten times as much memory as it.
            counted = Counted(counted.words, counted.known, {})
        else:
            rows.append(_fault_of(document, counted, index, pointer_of(index)))
        counts.append(counted)
    return rows, counts


def _refused(error: UnbrokenTextError | UnsegmentedTextError, index: int, pointer: str | None) -> Problem:
    if isinstance(error, UnsegmentedTextError):
        by = f", as {error.parted_by} parts them" if error.parted_by else ""
        return Problem(
            Code.UNSEGMENTED_TEXT,
            f"document {index + 1} is {error.script} text, and nothing parts its words",
            row=index + 1,
            pointer=pointer,
            allowed=f"words parted by spaces{by}; U+{ord(SEGMENTED):04X} at the end says that they are",
        )
    return Problem(
        Code.ROW_TOO_LARGE,
        f"document {index + 1} has more than {MAX_UNBROKEN_CHARACTERS} characters without white space",
        row=index + 1,
        pointer=pointer,
        allowed=f"white space within every {MAX_UNBROKEN_CHARACTERS} characters",
    )


def _fault_of(document: object, counted: Counted | None, index: int, pointer: str | None) -> Problem:
    if isinstance(document, Problem):
        return document
    if counted is None:
        detail = f"document {index + 1} is not a string"
        return Problem(Code.WRONG_SHAPE, detail, row=index + 1, pointer=pointer, allowed="raw text")
    return Problem(
        Code.NO_KNOWN_WORDS,
        f"none of the {counted.words} words of document {index + 1}, stop words left out, is in the vocabulary",
        row=index + 1,
        pointer=pointer,
        allowed="documents with at least one word of the vocabulary",
    )
