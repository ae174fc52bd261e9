"""The member that notebooks of the built-in read: byte for byte what MXNet 1.9.1 itself saves of the same arrays."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from training_scripts import mxnet_arrays
from training_scripts.archives import pack
from training_scripts.ntm import builtin_member

SAVED_BY_MXNET = Path(__file__).parent / "data/mxnet-1.9.1-decoder.params"
TOPICS = np.ascontiguousarray((np.arange(12).reshape(6, 2) / 4).T, dtype=np.float32)
BACKGROUND = np.arange(1, 7, dtype=np.float32)


def test_the_parameters_are_the_bytes_that_mxnet_saves_of_words_by_topics(tmp_path: Path) -> None:
    builtin_member.write(tmp_path, TOPICS, BACKGROUND)

    with zipfile.ZipFile(tmp_path / "model_algo-1") as archive:
        assert archive.namelist() == ["params"]
        assert archive.read("params") == SAVED_BY_MXNET.read_bytes()


def test_arrays_of_more_rows_than_are_written_at_once_are_read_back_equal(tmp_path: Path) -> None:
    topics = np.random.default_rng(1).standard_normal((2, 70_000), dtype=np.float32)

    with (tmp_path / "params").open("wb") as stream:
        mxnet_arrays.write(stream, {"arg:projection_weight": topics.T})

    read = mxnet_arrays.read((tmp_path / "params").read_bytes())
    np.testing.assert_array_equal(read["arg:projection_weight"], topics.T)


def test_the_same_model_makes_the_same_archive_whenever_it_is_packed(tmp_path: Path) -> None:
    archives = []
    for moment in (1_000_000_000, 1_700_000_000):
        folder = tmp_path / str(moment)
        builtin_member.write(folder, TOPICS, BACKGROUND)
        os.utime(folder / "model_algo-1", (moment, moment))
        pack(folder, tmp_path / f"{moment}.tar.gz")
        archives.append((tmp_path / f"{moment}.tar.gz").read_bytes())

    assert archives[0] == archives[1]
