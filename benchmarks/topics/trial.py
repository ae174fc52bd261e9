"""One fit and its scores in its own process: `python -m benchmarks.topics.trial '<JSON>'` prints one JSON line."""

# ruff: noqa: PLC0415 (the thread counts must be set before any library is imported)

from __future__ import annotations

import os

from training_scripts import one_thread

# Whatever the caller's shell says: thread counts would decide the comparison of seconds.
os.environ.update(one_thread.ENVIRONMENT)

import importlib
import json
import resource
import sys
import time
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.topics import corpora, metrics, models
from training_scripts.ntm.coherence import Cooccurrence, top_word_ids

SPLIT_SEED: Final = 7


def main() -> None:
    """Fit the model that the argument describes, and score it on the part it names."""
    wanted = json.loads(sys.argv[1])
    corpus = corpora.load(wanted["corpus"])
    importlib.import_module(models.LIBRARIES[wanted["model"]])
    started, cpu = time.perf_counter(), time.process_time()
    model = fitted(wanted["model"], corpus, wanted["topics"], wanted["seed"], wanted["settings"])
    fit = {"wall_s": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}
    part = corpus.validation if wanted["part"] == "validation" else corpus.test
    texts = corpora.known_words(corpus, part)
    scores: dict[str, Any] = {**scored(model, corpus, part), **coherent(model.topics, texts)}
    if wanted["part"] == "test":
        top = top_word_ids(np.asarray(model.topics, np.float32), 10)
        scores["words"] = [[corpus.words[word] for word in row] for row in top]
        if isinstance(model, models.Mixture):
            ruled = model.by_rule(corpus.train.counts)
            scores |= {f"{name}_by_rule": score for name, score in coherent(ruled, texts).items()}
            top = top_word_ids(ruled, 10)
            scores["words_by_rule"] = [[corpus.words[word] for word in row] for row in top]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**wanted, **fit, "memory_mb": memory, "epochs": getattr(model, "epochs", None), **scores}))


def coherent(topics: models.Matrix, texts: list[npt.NDArray[np.int64]]) -> dict[str, float]:
    """Return window NPMI and C_V of the topics' words in texts that were not trained on."""

    def counts(width: int) -> Cooccurrence:
        return metrics.cooccurrence(corpora.windows(texts, width, topics.shape[1]))

    narrow, wide = counts(metrics.NPMI_WINDOW), counts(metrics.C_V_WINDOW)
    return {"npmi_window": metrics.coherence(narrow, topics), "c_v": metrics.c_v(wide, topics)}


def scored(model: models.Model, corpus: corpora.Corpus, part: corpora.Part) -> dict[str, float]:
    """Return the model's scores on a part of the corpus, by the names of the raw results."""
    train, test = model.weights(corpus.train.counts), model.weights(part.counts)
    first, second = metrics.halves(part.counts, SPLIT_SEED)
    return {
        "npmi": metrics.coherence(metrics.cooccurrence(part.counts), model.topics),
        "tu10": metrics.topic_uniqueness(model.topics, 10),
        "tu20": metrics.topic_uniqueness(model.topics, 20),
        "used": metrics.topics_used(test),
        "flat": metrics.flat_share(test, part.counts),
        "perplexity": metrics.perplexity(model.predicted(first), second),
        "purity": metrics.purity(test, part.labels),
        "nmi": metrics.mutual_information(test, part.labels),
        "logistic": metrics.regression_accuracy(train, corpus.train.labels, test, part.labels),
        "knn": metrics.neighbour_accuracy(train, corpus.train.labels, test, part.labels),
    }


def fitted(name: str, corpus: corpora.Corpus, topics: int, seed: int, settings: models.Settings) -> models.Model:
    """Fit the model of that name."""
    arguments = corpus, topics, seed, dict(settings)
    if name in {"open NTM", "open NTM, adadelta", "plain NTM"}:
        return models.OpenNtm(*arguments)
    if name == "ProdLDA":
        from benchmarks.topics.prodlda import ProdLda

        return ProdLda(*arguments)
    peers = {
        "Gibbs LDA": models.GibbsLda,
        "NMF": models.Nmf,
        "batch LDA": models.BatchLda,
        "online LDA": models.OnlineLda,
    }
    return peers[name](*arguments)


if __name__ == "__main__":
    main()
