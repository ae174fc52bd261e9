"""Words of texts that part none: Chinese by rjieba, Japanese by SudachiPy, Thai by PyThaiNLP.

One file for the preparation and the client, which has it by a link. The packages are optional, and loaded when a text
asks for them. Only unbroken runs of a script are given to them: what stands between is as it was, and a run is parted
the same wherever it stands.
"""

from __future__ import annotations

import os
import re
import threading
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REQUIREMENTS: Final = "requirements/segmentation.txt"
PACKAGES: Final = ("rjieba", "sudachidict-small", "sudachipy", "pythainlp")
CHINESE, JAPANESE, THAI = "Chinese", "Japanese", "Thai"
SEGMENTED_LANGUAGES: Final = (CHINESE, JAPANESE, THAI)
_PACKAGES_OF: Final = {CHINESE: ("rjieba",), JAPANESE: ("sudachipy", "sudachidict-small"), THAI: ("pythainlp",)}
_LANGUAGE_OF_CODE: Final = {"zh": CHINESE, "ja": JAPANESE}
CHINESE_JAPANESE: Final = "Chinese or Japanese"
"""The name of the script, or scripts, that they share."""
HAN: Final = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
HIRAGANA: Final = r"\u3041-\u3096\u3099-\u309a\u309d-\u309f"
KATAKANA: Final = r"\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
RUNS: Final = {CHINESE_JAPANESE: f"[{HAN}{HIRAGANA}{KATAKANA}]+", THAI: r"[\u0e01-\u0e3a\u0e40-\u0e4e]+"}
"""Unbroken runs of the scripts that are parted here."""
_find_kana: Final = re.compile(r"[\u3041-\u3096\u30a1-\u30fa]").findall
_KANA_OF_JAPANESE: Final = 0.1
"""Share of kana from which a text is Japanese; Chinese ones quote a name at most."""
_MOST_CHARACTERS: Final = 4096
"""Of one call: SudachiPy takes 49,149 bytes at most."""
_lock: Final = threading.Lock()
"""A tokenizer of SudachiPy serves one thread at a time."""


class SegmentationError(ValueError):
    """A text that cannot be segmented here, in one sentence."""


def package_of(language: str) -> str:
    """Return the package that parts a language."""
    return _PACKAGES_OF[language][0]


def language_of(text: str, script: str = CHINESE_JAPANESE, code: str = "") -> str:
    """Return which language's words to look for: that of a code, or what the characters say.

    Args:
        text: unsegmented.
        script: the name of its script.
        code: of the language of the corpus, such as `ja`.
    """
    if script != CHINESE_JAPANESE:
        return script
    if code in _LANGUAGE_OF_CODE:
        return _LANGUAGE_OF_CODE[code]
    return JAPANESE if len(_find_kana(text)) > _KANA_OF_JAPANESE * len(text) else CHINESE


def segmented(text: str, language: str) -> str:
    """Return `text` with a space between the words of its runs.

    Raises:
        SegmentationError: no package parts the language, or it is not installed.
    """
    if language not in SEGMENTED_LANGUAGES:
        raise SegmentationError(f"no package here parts words of {language}: part them by spaces or by U+200B first")
    cut = _cutter(language)

    def parted(run: re.Match[str]) -> str:
        pieces = (run[0][start : start + _MOST_CHARACTERS] for start in range(0, len(run[0]), _MOST_CHARACTERS))
        with _lock:
            return f" {' '.join(word for piece in pieces for word in cut(piece))} "

    return re.sub(RUNS[THAI if language == THAI else CHINESE_JAPANESE], parted, text)


def libraries_of(languages: Iterable[str]) -> dict[str, str]:
    """Return the packages that part languages, with their releases, in words, by the script of their texts."""
    by_script: dict[str, list[str]] = {}
    for language in sorted(set(languages)):
        names = by_script.setdefault(THAI if language == THAI else CHINESE_JAPANESE, [])
        names += [f"{name} {version(name)}" for name in _PACKAGES_OF[language]]
    return {script: ", ".join(names) for script, names in by_script.items()}


def releases_of(languages: Iterable[str]) -> dict[str, str]:
    """Return the releases of the packages that part languages."""
    return {name: version(name) for language in languages for name in _PACKAGES_OF[language]}


def installed() -> dict[str, str]:
    """Return the releases of those packages that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def _cutter(language: str) -> Callable[[str], list[str]]:
    try:
        return _CUTTERS[language]()
    except ImportError:
        raise SegmentationError(
            f"{language} text whose words are not parted needs {package_of(language)}: pip install -r {REQUIREMENTS}"
        ) from None


def _of_rjieba() -> Callable[[str], list[str]]:
    cut: Callable[[str], list[str]] = import_module("rjieba").cut
    return cut


def _of_sudachi() -> Callable[[str], list[str]]:
    sudachi = import_module("sudachipy")
    import_module("sudachidict_small")
    # B parts words of middle length, about those that a dictionary for people lists.
    tokenizer = sudachi.Dictionary(dict="small").tokenizer(mode=sudachi.SplitMode.B)
    return lambda text: [word.surface() for word in tokenizer.tokenize(text)]


def _of_pythainlp() -> Callable[[str], list[str]]:
    # Or it makes a folder in the home directory.
    os.environ.setdefault("PYTHAINLP_READ_ONLY", "1")
    cut: Callable[..., list[str]] = import_module("pythainlp.tokenize").word_tokenize
    return lambda text: cut(text, engine="newmm-safe", keep_whitespace=False)


_CUTTERS: Final = {CHINESE: _of_rjieba, JAPANESE: _of_sudachi, THAI: _of_pythainlp}
