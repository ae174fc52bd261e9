"""The built-in's model, from a file of arrays that MXNet 1.9.1 itself wrote."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from explore import builtin_model
from explore.errors import ExploreError
from explore.topics import Words
from training_scripts import mxnet_arrays
from training_scripts.ntm import artifact

WRITTEN_BY_MXNET = (Path(__file__).parent / "data/mxnet-1.9.1.params").read_bytes()
"""Six words and two topics: projection_weight is arange(12) / 4, projection_bias 1 to 6; and arrays of other types."""
WORDS = [f"word{number}" for number in range(6)]
TOGETHER = csr_matrix(np.array([[1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1], [1, 0, 0, 0, 0, 0]], dtype=np.float32))


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """What the built-in's model.tar.gz holds."""
    folder = tmp_path / "model"
    folder.mkdir()
    with zipfile.ZipFile(folder / "model_algo-1", "w") as archive:
        archive.writestr("params", WRITTEN_BY_MXNET)
        archive.writestr("symbol.json", "{}")
    return folder


def described(folder: Path, *, words: list[str] = WORDS) -> None:
    builtin_model.describe(
        folder, version="job", corpus_hash="c0ffee", words=words, validation=TOGETHER,
        metrics={"validation:total_loss": 7.5},
    )  # fmt: skip


def test_arrays_that_mxnet_wrote_are_read_whatever_their_type() -> None:
    arrays = mxnet_arrays.read(WRITTEN_BY_MXNET)

    np.testing.assert_array_equal(arrays["arg:projection_weight"], np.arange(12).reshape(6, 2) / 4)
    np.testing.assert_array_equal(arrays["arg:projection_bias"], [1, 2, 3, 4, 5, 6])
    np.testing.assert_array_equal(arrays["aux:double"], [[1.5], [-2]])
    np.testing.assert_array_equal(arrays["aux:half"], [0.5])
    np.testing.assert_array_equal(arrays["aux:long"], [2**40])


@pytest.mark.parametrize("length", range(0, len(WRITTEN_BY_MXNET), 7))
def test_a_file_that_ends_early_is_refused(length: int) -> None:
    with pytest.raises(mxnet_arrays.FormatError, match="in the middle"):
        mxnet_arrays.read(WRITTEN_BY_MXNET[:length])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04" + bytes(20), "where MXNet's arrays begin with 0x112"),
        (struct.pack("<QQQIi", 0x112, 0, 1, mxnet_arrays.VERSION_2, 1) + bytes(40), "storage type 1"),
        (struct.pack("<QQQI", 0x112, 0, 1, 5) + bytes(40), "begins with 0x5"),
        (struct.pack("<QQQIii", 0x112, 0, 1, mxnet_arrays.VERSION_2, 0, 99) + bytes(40), "has 99 dimensions"),
    ],
)
def test_another_file_is_refused_with_a_sentence(content: bytes, message: str) -> None:
    with pytest.raises(mxnet_arrays.FormatError, match=message):
        mxnet_arrays.read(content)


def test_a_model_of_the_builtin_tells_its_topics_as_the_open_one_does(unpacked: Path) -> None:
    assert builtin_model.is_builtin(unpacked)
    described(unpacked)

    words = Words.read(unpacked)
    assert (words.model, words.corpus, words.num_topics, words.words) == ("job", "c0ffee", 2, WORDS)
    assert [words.words[word] for word in words.top[0]] == WORDS[::-1]
    logits = np.arange(12).reshape(6, 2).T / 4 + np.arange(1, 7)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(words.probabilities, expected, rtol=1e-6)
    assert not builtin_model.is_builtin(unpacked)


def test_it_is_scored_by_the_corpuss_validation_documents_and_its_loss_is_the_jobs(unpacked: Path) -> None:
    described(unpacked)

    metrics = artifact.read(unpacked).document["metrics"]
    assert metrics["validation:total_loss"] == 7.5
    assert metrics["validation:tu"] == 0.5  # both topics list all six words
    # Words 1 to 3 occur once and together (NPMI 1), 4 and 5 twice and together (1); the rest by their formula.
    assert 0 < metrics["validation:npmi"] < 1


def test_a_model_of_another_vocabulary_is_refused(unpacked: Path) -> None:
    with pytest.raises(ExploreError, match="has 6 words, and the vocabulary 5"):
        described(unpacked, words=WORDS[:5])


def test_an_archive_without_a_decoder_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model_algo-1", "w") as archive:
        archive.writestr("params", WRITTEN_BY_MXNET.replace(b"arg:projection_weight", b"arg:projection_height"))

    with pytest.raises(ExploreError, match="has no 'arg:projection_weight'"):
        described(tmp_path)
