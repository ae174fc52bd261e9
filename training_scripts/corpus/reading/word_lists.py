"""Lists of words in files: a vocabulary, and words to leave out or to keep. Read without NumPy, for the synth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.manifest import MANIFEST_NAME, VOCABULARY_PATH, CorpusManifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from training_scripts.corpus.token_rule import TokenRule

LEAST_WORDS: Final = 2
"""A topic model of a single word has nothing to tell apart."""


def read_vocabulary(path: Path, rule: TokenRule) -> tuple[str, ...]:
    """Read the words of a `vocab.txt`, in id order, or those of the prepared corpus in the folder `path`, as they are.

    Raises:
        CorpusError: it cannot be read, has fewer than two words, a word twice, or one that no document can have.
    """
    if path.is_dir() and (path / MANIFEST_NAME).is_file():
        content = _decoded(CorpusManifest.load(path).read(path, VOCABULARY_PATH), path)
        words = tuple(content.removesuffix("\n").split("\n"))
    else:
        file = path / VOCABULARY_PATH if path.is_dir() else path
        words = tuple(_words(file, _read(file), rule))
    if len(words) < LEAST_WORDS:
        raise CorpusError(f"the list of words {path} holds {len(words)}, where at least {LEAST_WORDS} must be")
    return words


def read_list(path: Path, rule: TokenRule) -> tuple[str, ...]:
    """Read a list of words, one a line, in any order: in order, each once.

    Empty lines and comments after a `#` are passed over, and so are words of one letter, which no corpus counts.

    Raises:
        CorpusError: it cannot be read, has no word, or one that no document can have.
    """
    lines = [line if line.strip() and not line.lstrip().startswith("#") else "" for line in _read(path)]
    counted = [line if len(line.strip()) > 1 or rule.tokens_of(line) else "" for line in lines]
    words = tuple(sorted(set(_words(path, counted, rule, gaps=True))))
    if not words:
        raise CorpusError(f"the list of words {path} holds none")
    return words


def _words(file: Path, lines: Iterable[str], rule: TokenRule, *, gaps: bool = False) -> Iterator[str]:
    """Yield the words of lines as a rule looks for them; with `gaps`, empty lines and repeated words may be there."""
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        word, where = rule.normalised(line.strip()), f"line {number} of the list of words {file}"
        if not word and gaps:
            continue
        if not word:
            raise CorpusError(f"{where} is empty: one word a line is needed")
        if (tokens := rule.tokens_of(word)) != [word]:
            read_as = ", ".join(map(repr, tokens)) or "none"
            raise CorpusError(f"{where} is {line!r}, which is not one word: it is read as {read_as}")
        if word in seen and not gaps:
            raise CorpusError(f"{where} repeats the word {word!r} of line {seen[word]}")
        seen[word] = number
        yield word


def _read(file: Path) -> list[str]:
    try:
        return _decoded(file.read_bytes(), file).splitlines()
    except OSError as error:
        raise CorpusError(f"the list of words {file} cannot be read: {error.strerror}") from None


def _decoded(content: bytes, file: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"the list of words {file} is not UTF-8 at byte {error.start + 1}") from None
