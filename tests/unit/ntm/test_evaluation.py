from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from training_scripts.ntm.learning import architecture, evaluation, model
from training_scripts.ntm.learning.architecture import Architecture
from training_scripts.ntm.learning.evaluation import EVALUATION_SEED, Evaluation
from training_scripts.ntm.learning.model import Batch
from training_scripts.ntm.reading.batches import BatchShape, pack
from training_scripts.ntm.weighting import inverse_document_frequency, weigh

if TYPE_CHECKING:
    from training_scripts.ntm.weighting import Vector

WORDS, TOPICS, DOCUMENTS = 11, 3, 7
ARCHITECTURES = {
    "plain": Architecture((6, 4), "sigmoid", batch_norm=False, clamp_log_variance=False),
    "one wide layer": Architecture((9,), "tanh", batch_norm=False, clamp_log_variance=True),
    "long documents": Architecture((9,), "tanh", batch_norm=False, clamp_log_variance=True, document_weight_words=10.0),
    "narrow prior": Architecture((9,), "tanh", batch_norm=False, clamp_log_variance=True, prior_variance=0.4),
    "light divergence": Architecture((9,), "tanh", batch_norm=False, clamp_log_variance=True, kl_weight=0.3),
    "batch norm": Architecture((6, 4), "relu", batch_norm=True, clamp_log_variance=True),
}


@pytest.fixture(scope="module")
def counts() -> csr_matrix:
    return csr_matrix(np.random.default_rng(0).poisson(1.2, (DOCUMENTS, WORDS)).astype(np.float32))


def by_jax(
    architecture: Architecture,
    params: architecture.HostTree,
    averages: architecture.HostTree,
    counts: csr_matrix,
    idf: Vector | None,
) -> tuple[float, float]:
    chunk = next(pack(counts, weigh(counts, idf), BatchShape(steps=1, documents=DOCUMENTS, capacity=128)))
    batch = Batch(*(jnp.asarray(part[0]) for part in chunk))
    weights, means = ({name: jnp.asarray(value) for name, value in tree.items()} for tree in (params, averages))
    mu, log_variance, _ = model.posterior(architecture, weights, means, batch, training=False)
    noise = np.random.default_rng(EVALUATION_SEED).standard_normal((DOCUMENTS, TOPICS), dtype=np.float32)
    sums = model.losses(architecture, weights, batch, mu, log_variance, jnp.asarray(noise))
    return float(sums.reconstruction), float(sums.kl)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("weighted", [False, True], ids=["counts", "tfidf"])
def test_the_loss_of_unseen_documents_is_that_which_training_minimises(
    name: str, counts: csr_matrix, *, weighted: bool
) -> None:
    architecture = ARCHITECTURES[name]
    params, averages = model.initial_params(
        architecture, feature_dim=WORDS, topics=TOPICS, rng=np.random.default_rng(1), centre=None
    )
    # Log-variances far outside the clamp, so that it matters.
    params["log_variance_bias"] += np.array([9, -12, 1], np.float32)
    idf = inverse_document_frequency(np.asarray((counts > 0).sum(axis=0)).ravel(), DOCUMENTS) if weighted else None

    got = Evaluation(architecture, params, averages, idf).losses(counts, np.random.default_rng(EVALUATION_SEED))

    assert got == pytest.approx(by_jax(architecture, params, averages, counts, idf), rel=1e-5)


def test_how_many_documents_are_held_at_a_time_does_not_change_the_loss(
    counts: csr_matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    params, averages = model.initial_params(
        ARCHITECTURES["plain"], feature_dim=WORDS, topics=TOPICS, rng=np.random.default_rng(1), centre=None
    )
    held = Evaluation(ARCHITECTURES["plain"], params, averages, None)
    whole = held.losses(counts, np.random.default_rng(0))

    monkeypatch.setattr(evaluation, "_MOST_LOGITS", 2 * WORDS)

    assert held.losses(counts, np.random.default_rng(0)) == pytest.approx(whole, rel=1e-6)


@pytest.mark.parametrize("other", ["long documents", "narrow prior", "light divergence"])
def test_losses_measure_another_thing_where_documents_prior_or_divergence_weigh_otherwise(other: str) -> None:
    definitions = {name: evaluation.loss_definition(architecture) for name, architecture in ARCHITECTURES.items()}

    assert definitions[other] not in {definitions["plain"], definitions["one wide layer"]}


def test_how_a_model_is_built_changes_nothing_in_what_its_loss_measures() -> None:
    assert evaluation.loss_definition(ARCHITECTURES["plain"]) == evaluation.loss_definition(ARCHITECTURES["batch norm"])


def test_a_model_that_has_diverged_has_no_loss_and_warns_of_nothing(counts: csr_matrix) -> None:
    params, averages = model.initial_params(
        ARCHITECTURES["plain"], feature_dim=WORDS, topics=TOPICS, rng=np.random.default_rng(1), centre=None
    )
    params["background"][0] = np.inf

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = Evaluation(ARCHITECTURES["plain"], params, averages, None).losses(counts, np.random.default_rng(0))

    assert not np.isfinite(loss.reconstruction)
