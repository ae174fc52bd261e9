"""From a document to its words: markup and addresses go, unsegmented text is parted, and the rule finds the words."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.reading import segmentation
from training_scripts.corpus.reading.sentences import sentences_of

if TYPE_CHECKING:
    from training_scripts.corpus.reading.plain_text import PlainText
    from training_scripts.corpus.token_rule import TokenRule


class UnsegmentedError(CorpusError):
    """A text whose words nothing parts, here or anywhere: it ends the preparation."""


class Words(NamedTuple):
    """The words of a document, in order, sentence by sentence.

    `language` is that which it was segmented as; `script` that of a text which was left unsegmented; or both are empty.
    """

    sentences: list[list[str]]
    language: str = ""
    script: str = ""

    @property
    def tokens(self) -> list[str]:
        """All words, in order."""
        return list(chain.from_iterable(self.sentences))


@dataclass(frozen=True)
class WordFinder:
    """Finds the words of documents.

    Attributes:
        rule: finds the words of a text.
        plain: tells what of a document is text.
        language: code of the language that the documents are said to be in.
        segments: whether the words of unsegmented texts are parted; if not, such texts are counted as they are.
    """

    rule: TokenRule
    plain: PlainText
    language: str
    segments: bool = True

    def words_of(self, document: str) -> Words:
        """Return the words of a document.

        Raises:
            UnsegmentedError: nothing parts its words, or the package that does is not installed.
        """
        text = self.plain.text_of(document)
        script = self.plain.unsegmented(text)
        if script is None or not self.segments:
            return Words(self._sentences(text), script=script or "")
        language = segmentation.language_of(text, script, self.language)
        try:
            return Words(self._sentences(segmentation.segmented(text, language)), language)
        except segmentation.SegmentationError as error:
            raise UnsegmentedError(f"{error}, or count such texts as they are with --segmentation no") from None

    def _sentences(self, text: str) -> list[list[str]]:
        return [self.rule.tokens_of(sentence) for sentence in sentences_of(text)]
