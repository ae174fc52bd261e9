from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.sparse import random_array

from explore import palette
from explore.confusion import confusion_of
from explore.documents import CountedDocuments, of_source
from explore.grouping import Tree
from explore.scorers import LocalModel, score_all
from explore.study import Study, study
from explore.topics import Topic, Words
from explore.vectors import TopicVectors, write_topic_vectors
from training_scripts.corpus.manifest import CorpusManifest
from training_scripts.corpus.preparation import prepare
from training_scripts.corpus.progress import Progress
from training_scripts.corpus.settings import PreparationSettings
from training_scripts.corpus.sources import JsonLines
from training_scripts.ntm import artifact
from training_scripts.ntm.artifact import vocabulary_hash

THEMES = {
    "fruit": ["apple", "banana", "cherry", "damson", "elder", "fig", "grape"],
    "tools": ["anvil", "bellows", "chisel", "drill", "engine", "forge", "gauge"],
    "ships": ["anchor", "boat", "cargo", "deck", "fleet", "harbour", "island"],
}
MODEL = "model-of-the-tests"
DATES = {f"d{number:03}": date(2026, 1 + number % 3, 1 + number // 4) for number in range(110)}
"""Of the world's documents, by id: fruit is of January, ships of February and tools of March; ten have none."""


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
        "topics": [
            {"id": topic, "share": 0.25, "words": [words[word] for word in best], "weights": row[best].tolist()}
            for topic, row in enumerate(topics)
            for best in [np.argsort(-row)[:10]]
        ],
    }
    artifact.write(folder, arrays, document, words)


@pytest.fixture(scope="session")
def vectors_file(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The topic vectors of the world's documents."""
    file = tmp_path_factory.mktemp("vectors") / "vectors.parquet"
    weights, model = score_all(LocalModel(world.model), world.documents(), Progress("test"))
    write_topic_vectors(file, world.documents(), weights, model=model)
    return file


@pytest.fixture(scope="session")
def studied(world: World, vectors_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    cache = tmp_path_factory.mktemp("cache")
    return study(
        vectors_file, world.model, world.documents(), dates=DATES, cache=cache, method="tsne", seed=0,
        progress=Progress("test"),
    )  # fmt: skip


def study_of(documents: int, topics: int = 30) -> Study:
    """A study of made-up documents, as many as asked for."""
    rng = np.random.default_rng(0)
    weights = rng.dirichlet(np.full(topics, 0.1), documents).astype(np.float32)
    strongest = weights.argmax(axis=1)
    labels = [f"label {number}" for number in range(20)]
    vectors = TopicVectors(
        weights, [f"group/{n:06}" for n in range(documents)], [labels[n % 20] for n in strongest], "m", "c" * 64, {}
    )
    angle = strongest * 2.4 + rng.normal(0, 0.1, documents)
    distance = 5 * np.sqrt(strongest + 1) + rng.normal(0, 1, documents)
    marks = palette.marks(rng.random((topics, 2)), [1] * topics)
    words = [f"word{topic}x{n}" for topic in range(topics) for n in range(10)]
    described = [
        Topic(
            topic,
            words[topic * 10 : topic * 10 + 10],
            [0.1] * 10,
            1 / topics,
            1,
            0.3,
            1.0,
            [topic],
            [(0, 0.5)],
            f"about {topic}",
        )
        for topic in range(topics)
    ]
    steps = linkage(rng.random((topics, 3)), "average")
    return Study(
        vectors=vectors,
        topics=described,
        tree=Tree(steps, leaves_list(steps).tolist()),
        advice=[],
        confusion=confusion_of(vectors, list(range(topics))),
        rows=np.arange(documents),
        positions=np.stack([distance * np.cos(angle), distance * np.sin(angle)], axis=1).astype(np.float32),
        method="tsne",
        nearest=rng.integers(0, documents, (documents, 5)).astype(np.uint32),
        distances=rng.random((documents, 5)).astype(np.float32),
        words=Words(
            model=vectors.model,
            corpus=vectors.corpus,
            words=words,
            top=np.arange(topics * 10, dtype=np.int32).reshape(topics, 10),
            top_weights=np.ones((topics, 10)),
            probabilities=rng.dirichlet(np.full(len(words), 0.1), topics),
            labels=[topic.label for topic in described],
        ),
        counts=random_array((documents, len(words)), density=0.02, format="csr", rng=rng, dtype=np.float32).ceil(),
        texts=dict.fromkeys(vectors.ids, "the words of a document, some of them " * 5),
        dates={},
        labels=labels,
        topic_marks=marks,
        label_marks=marks[:20],
    )
