from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from training_scripts.ntm.learning.embeddings import Embeddings, read_embeddings

WORDS = ["apple", "grün", "3"]
VECTORS = b"apple 3 0 4\ngr\xc3\xbcn 0 2 0\n3 1 0 0\nother 1 1 1\n"
EXPECTED = {0: [0.6, 0, 0.8], 1: [0, 1, 0], 2: [1, 0, 0]}


def read(tmp_path: Path, content: bytes) -> Embeddings:
    path = tmp_path / "embeddings.txt"
    path.write_bytes(content)
    return read_embeddings(path, WORDS)


@pytest.mark.parametrize(
    ("content", "passed_over"),
    [
        (VECTORS, 0),
        (b"4 3\n" + VECTORS.replace(b"\n", b" \n"), 0),
        (VECTORS.replace(b" ", b"\t").replace(b"\n", b"\r\n"), 0),
        (b"\xef\xbb\xbf" + VECTORS, 0),
        (VECTORS + b". . . 1 2 3\nat name@domain.com 1 2 3\n", 0),
        (VECTORS + b"gr\xfcn 1 2 3\n", 1),
        (VECTORS + b"apple 1 2\napple x 1 2\napple nan 1 2\napple 0 0 0\n\n 1 2 3\n", 6),
        (VECTORS + b"apple 1e400 0 0\n", 1),
        (VECTORS.decode().encode("utf-16"), 0),
    ],
    ids=["GloVe", "fastText", "tabs", "mark", "blanks in words", "Latin-1", "unusable", "overflow", "UTF-16"],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress], ids=["plain", "gzip", "bzip2"])
def test_vectors_are_read_from_what_others_publish(
    tmp_path: Path, content: bytes, passed_over: int, pack: Callable[[bytes], bytes]
) -> None:
    found = read(tmp_path, pack(content))

    assert {word: pytest.approx(vector.tolist()) for word, vector in found.vectors.items()} == EXPECTED
    assert (found.length, found.passed_over) == (3, passed_over)


def test_a_file_without_a_vector_gives_none(tmp_path: Path) -> None:
    assert read(tmp_path, b"").vectors == read(tmp_path, b"apple\n").vectors == {}
