"""Where training starts: statistics of all instances' documents, and the decoder made from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from training_scripts.ntm import weighting
from training_scripts.ntm.learning import nmf
from training_scripts.ntm.learning.architecture import Architecture, HostTree
from training_scripts.ntm.learning.model import initial_params

if TYPE_CHECKING:
    from training_scripts.hyperparameters import NtmHyperparameters, OpenNtmSwitches
    from training_scripts.ntm.reading.documents import Statistics
    from training_scripts.ntm.sums import Cluster

_UNSEEN_COUNT: Final = 0.5
"""Added to each word's count in the background, so that a word of the vocabulary never seen in training has a log."""
LIFT_SMOOTHING: Final = 0.05
"""Share of the background mixed into a topic's words before the logarithm: bounds how far it may forbid one."""


class CorpusFacts(NamedTuple):
    """Sums over all instances' training documents."""

    documents: int
    document_frequency: npt.NDArray[np.float64]
    word_totals: npt.NDArray[np.float64]
    idf: npt.NDArray[np.float32]


def corpus_facts(statistics: Statistics, cluster: Cluster) -> CorpusFacts:
    """Add up what each instance has counted in its own documents."""
    documents = int(cluster.sum(np.array([statistics.documents], dtype=np.float64))[0])
    document_frequency = cluster.sum(statistics.document_frequency)
    idf = weighting.inverse_document_frequency(document_frequency, documents)
    return CorpusFacts(documents, document_frequency, cluster.sum(statistics.word_totals), idf)


def starting_params(
    ntm: NtmHyperparameters, switches: OpenNtmSwitches, *, sample: csr_matrix, facts: CorpusFacts, cluster: Cluster
) -> tuple[HostTree, HostTree]:
    """Return (parameters, batch-norm averages) as the switches ask for; the same on every instance."""
    rng = np.random.default_rng(switches.seed)
    weighted = csr_matrix((weighting.weigh(sample, facts.idf), sample.indices, sample.indptr), shape=sample.shape)
    centre = None
    if switches.input_weighting == "tfidf":
        sampled = max(float(cluster.sum(np.array([sample.shape[0]], dtype=np.float64))[0]), 1.0)
        centre = (cluster.sum(np.asarray(weighted.sum(axis=0), dtype=np.float64).ravel()) / sampled).astype(np.float32)
    params, averages = initial_params(
        Architecture.of(ntm, switches), feature_dim=sample.shape[1], topics=ntm.num_topics, rng=rng, centre=centre
    )
    background = facts.word_totals + _UNSEEN_COUNT
    background /= background.sum()
    if switches.unigram_bias:
        log_background = np.log(background)
        params["background"] = (log_background - log_background.mean()).astype(np.float32)
    if switches.nmf_initialization:
        loadings = nmf.factorise(weighted, topics=ntm.num_topics, seed=switches.seed, cluster=cluster)
        params["topics"] = _lift(loadings / facts.idf, background)
    return params, averages


def _lift(loadings: npt.NDArray[np.floating], background: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Log of how much likelier each word is in a topic than in the corpus, centred."""
    words = loadings / np.maximum(loadings.sum(axis=1, keepdims=True), 1e-12)
    mixed = (1 - LIFT_SMOOTHING) * words + LIFT_SMOOTHING * background
    lift = np.log(mixed / background)
    return np.asarray(lift - lift.mean(axis=1, keepdims=True), dtype=np.float32)
