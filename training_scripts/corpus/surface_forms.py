"""`vocabulary/surface_forms.json`: all a server needs to count the words of raw text. Standard library only."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import MANIFEST_NAME, SURFACE_FORMS_PATH, VOCABULARY_PATH
from training_scripts.corpus.reading.document_words import WordFinder
from training_scripts.corpus.reading.plain_text import PlainText
from training_scripts.corpus.token_rule import TokenRule, rule_of
from training_scripts.versions import canonical_json

if TYPE_CHECKING:
    from pathlib import Path


def is_table(path: Path) -> bool:
    """Whether a path is that of such a file."""
    return path.name == PurePosixPath(SURFACE_FORMS_PATH).name


@dataclass(frozen=True)
class SurfaceForms:
    """The words by id, and the id of each surface form.

    The counts of a text are those of `rule.tokens_of(plain.text_of(text))`, looked up in `forms`. Stop words,
    words outside the vocabulary and forms that preparation has not seen are not in `forms`.
    `stop_forms` tells the first from the others: who counts unknown words leaves them out. A corpus that was prepared
    before they were kept has none.
    """

    language: str
    rule: TokenRule
    vocabulary_hash: str
    words: tuple[str, ...]
    forms: dict[str, int]
    stop_forms: tuple[str, ...] = ()
    plain: PlainText = field(default_factory=lambda: PlainText({}))

    def encoded(self) -> bytes:
        """Return the bytes of the file."""
        return canonical_json(
            {
                "language": self.language,
                **self.rule.encoded(),
                **self.plain.encoded(),
                "feature_dim": len(self.words),
                "vocabulary_hash": self.vocabulary_hash,
                "words": list(self.words),
                "forms": self.forms,
                "stop_forms": list(self.stop_forms),
            }
        )

    @classmethod
    def load(cls, folder: Path) -> SurfaceForms:
        """Read the file of the corpus in `folder`.

        Raises:
            CorpusError: it cannot be read, or is of another schema.
        """
        return cls._read(folder / SURFACE_FORMS_PATH)

    @classmethod
    def of_vocabulary(cls, path: Path) -> SurfaceForms | None:
        """Return the table of the corpus that words are of; None where they are of none that is known.

        Args:
            path: the corpus's folder, the `vocab.txt` in it, or the table.

        Raises:
            CorpusError: the corpus has no table, or it is not what it should be.
        """
        if is_table(path):
            return cls._read(path)
        folder = path if path.is_dir() else path.parent.parent
        if not path.is_dir() and folder / VOCABULARY_PATH != path:
            return None
        known = (folder / MANIFEST_NAME).is_file() or (folder / SURFACE_FORMS_PATH).is_file()
        return cls.load(folder) if known else None

    @classmethod
    def _read(cls, path: Path) -> SurfaceForms:
        try:
            content = json.loads(path.read_bytes())
            return cls(
                language=content["language"],
                rule=rule_of(content),
                vocabulary_hash=content["vocabulary_hash"],
                words=tuple(content["words"]),
                forms=content["forms"],
                stop_forms=tuple(content.get("stop_forms", ())),
                plain=PlainText(content),
            )
        except OSError as error:
            raise CorpusError(f"{path} cannot be read: {error.strerror}") from None
        except (KeyError, TypeError, ValueError, re.error) as error:
            raise CorpusError(f"{path} is not a table of surface forms: {error!r}") from None

    def encoded_rule(self) -> str:
        """Return, as JSON, the rule by which the texts are read and their words found."""
        return canonical_json({**self.rule.encoded(), **self.plain.encoded()}).decode()

    def counts(self, text: str) -> dict[int, int]:
        """Return how often each word of the vocabulary is in `text`, by id; words that are not in it are left out.

        Raises:
            UnsegmentedError: the words of the text are not parted, and nothing here parts them.
        """
        tokens = WordFinder(self.rule, self.plain, self.language).words_of(text).tokens
        return dict(Counter(self.forms[token] for token in tokens if token in self.forms))
