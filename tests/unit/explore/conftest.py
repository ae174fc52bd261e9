from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from explore.documents import CountedDocuments, of_source
from training_scripts.corpus.manifest import CorpusManifest
from training_scripts.corpus.preparation import prepare
from training_scripts.corpus.progress import Progress
from training_scripts.corpus.settings import PreparationSettings
from training_scripts.corpus.sources import JsonLines
from training_scripts.ntm import artifact
from training_scripts.ntm.artifact import vocabulary_hash
from training_scripts.ntm.topic_words import describe

THEMES = {
    "fruit": ["apple", "banana", "cherry", "damson", "elder", "fig", "grape"],
    "tools": ["anvil", "bellows", "chisel", "drill", "engine", "forge", "gauge"],
    "ships": ["anchor", "boat", "cargo", "deck", "fleet", "harbour", "island"],
}
MODEL = "model-of-the-tests"


@dataclass(frozen=True)
class World:
    """A prepared corpus of three themes, its source (with two documents that it does not know), and a model of it."""

    corpus: Path
    source: JsonLines
    model: Path
    manifest: CorpusManifest

    def documents(self) -> CountedDocuments:
        return of_source(self.source, self.corpus, Progress("test"))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("explore")
    rng = np.random.default_rng(0)
    file = folder / "documents.jsonl"
    records = [
        {"id": f"d{number:03}", "label": label, "text": " ".join(rng.choice(THEMES[label], 9))}
        for number, label in enumerate(sorted(THEMES) * 40)
    ]
    records += [{"id": "unknown", "label": "fruit", "text": "zzz qqq"}, {"id": "empty", "label": "tools", "text": ""}]
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    source = JsonLines(file, label_field="label", id_field="id")
    settings = PreparationSettings.model_validate({"least_words": 5, "lemmas": False, "min_df": 2})
    manifest = prepare(source, settings, folder / "corpus", Progress("test"))
    model = folder / "model"
    write_model(model, manifest, (folder / "corpus/auxiliary/vocab.txt").read_text().split())
    return World(folder / "corpus", source, model, manifest)


def write_model(folder: Path, manifest: CorpusManifest, words: list[str], *, version: str = MODEL) -> None:
    """A model that knows the themes: its topics are they, and one more that is a double of the first."""
    themes = [*sorted(THEMES), min(THEMES)]
    topics = np.array([[3.0 if word in THEMES[theme] else -3.0 for word in words] for theme in themes])
    topics += np.random.default_rng(1).normal(0, 0.1, topics.shape)
    arrays = {
        "encoder_0_weight": (topics.T * 0.2).astype(np.float32),
        "encoder_0_bias": np.zeros(len(themes), np.float32),
        "mu_weight": (np.eye(len(themes)) * 2).astype(np.float32),
        "mu_bias": np.array([0.0, 0.0, 0.0, -2.0], np.float32),
        "topics": topics.astype(np.float32),
        "background": np.zeros(len(words), np.float32),
    }
    encoder = {"layers": [len(themes)], "activation": "tanh", "batch_norm": False, "input_weighting": "counts"}
    document = {
        "model_version": version,
        "corpus_hash": manifest.corpus_hash,
        "vocabulary_hash": vocabulary_hash(words),
        "num_topics": len(themes),
        "feature_dim": len(words),
        "encoder": encoder,
        "topics": describe(arrays["topics"], np.full(len(themes), 1 / len(themes)), words),
    }
    artifact.write(folder, arrays, document, words)
