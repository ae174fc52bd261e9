from __future__ import annotations

from pathlib import Path

from training_scripts.corpus.settings import PreparationSettings
from training_scripts.corpus.sources import JsonLines
from training_scripts.corpus.sources.rejected import Rejected
from training_scripts.spark import counted

FINDER = PreparationSettings().finder


def test_lines_are_decoded_as_the_encoding_says() -> None:
    line = '{"text": "grün grün"}'.encode("cp1252")

    [found] = counted.read(JsonLines(Path("a"), encoding="windows-1252"), FINDER, 1, [line])
    [refused] = counted.read(JsonLines(Path("a")), FINDER, 1, [line])

    assert isinstance(found, counted.Counted)
    assert found.forms == ("grün",)
    assert isinstance(refused, Rejected)
    assert refused.reason == "not UTF-8: byte 13 is 0xfc; name its encoding with --encoding"


def test_lines_with_nul_bytes_or_in_utf16_are_set_aside() -> None:
    lines = [b'{"text": "a\0b"}', *'{"text": "one"}\n'.encode("utf-16").split(b"\n")]

    assert all(isinstance(one, Rejected) for one in counted.read(JsonLines(Path("a")), FINDER, 1, lines))
