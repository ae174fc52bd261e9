from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from training_scripts import one_thread

# Before JAX starts: one thread, as in the training container, and compiled loops kept between test runs.
os.environ.update(one_thread.ENVIRONMENT)
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[3] / "build" / "xla-cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "0")

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from training_scripts import recordio

TOPICS = 4
WORDS_PER_TOPIC = 10
FEATURE_DIM = TOPICS * WORDS_PER_TOPIC

SMALL_JOB = {
    "feature_dim": str(FEATURE_DIM),
    "num_topics": str(TOPICS),
    "mini_batch_size": "32",
    "epochs": "4",
    "encoder_layers": "16",
}


def planted_documents(documents: int, seed: int, *, topics: int = TOPICS) -> csr_matrix:
    """Documents of one topic each, whose words are the topic's own block of the vocabulary, with a little noise."""
    rng = np.random.default_rng(seed)
    width = topics * WORDS_PER_TOPIC
    counts = rng.poisson(0.05, (documents, width)).astype(np.float32)
    for row in range(documents):
        first = (row % topics) * WORDS_PER_TOPIC
        counts[row, first : first + WORDS_PER_TOPIC] += rng.poisson(2.0, WORDS_PER_TOPIC)
    return csr_matrix(counts)


@pytest.fixture(scope="session")
def planted() -> Callable[[int, int], csr_matrix]:
    return planted_documents


JobMaker = Callable[..., Path]


@pytest.fixture
def make_job(tmp_path: Path) -> JobMaker:
    """Lay out a container's input folder; returns its root."""

    def make(
        name: str = "job",
        *,
        train: csr_matrix | None = None,
        validation: csr_matrix | None = None,
        hyperparameters: Mapping[str, str] | None = None,
        hosts: tuple[str, ...] = ("algo-1",),
        host: str = "algo-1",
    ) -> Path:
        root = tmp_path / name
        config = root / "input" / "config"
        config.mkdir(parents=True)
        channels = {"train": planted_documents(160, 1) if train is None else train, "validation": validation}
        described = {}
        for channel, counts in channels.items():
            if counts is None:
                continue
            folder = root / "input" / "data" / channel
            folder.mkdir(parents=True)
            with (folder / "part-00000.pbr").open("wb") as stream:
                recordio.write_sparse(stream, counts)
            described[channel] = {"ContentType": "application/x-recordio-protobuf", "TrainingInputMode": "File"}
        (config / "inputdataconfig.json").write_text(json.dumps(described))
        (config / "hyperparameters.json").write_text(json.dumps({**SMALL_JOB, **(hyperparameters or {})}))
        resource = {"current_host": host, "hosts": list(hosts), "network_interface_name": "lo"}
        (config / "resourceconfig.json").write_text(json.dumps(resource))
        return root

    return make
