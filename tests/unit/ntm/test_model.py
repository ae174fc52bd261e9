from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.special import log_softmax, softmax

from training_scripts.ntm.learning import architecture, model
from training_scripts.ntm.learning.architecture import Architecture
from training_scripts.ntm.learning.model import Batch
from training_scripts.ntm.reading.batches import BatchShape, pack
from training_scripts.ntm.weighting import weigh

if TYPE_CHECKING:
    from training_scripts.ntm.learning.architecture import HostTree
    from training_scripts.ntm.learning.model import Tree

WORDS, TOPICS, DOCUMENTS = 11, 3, 5
PLAIN = Architecture(layers=(6, 4), activation="sigmoid", batch_norm=False, clamp_log_variance=False)


@pytest.fixture(scope="module")
def counts() -> csr_matrix:
    return csr_matrix(np.random.default_rng(0).poisson(0.7, (DOCUMENTS, WORDS)).astype(np.float32))


def batch_of(counts: csr_matrix, *, room: int = DOCUMENTS) -> Batch:
    shape = BatchShape(steps=1, documents=room, capacity=64)
    chunk = next(pack(counts, weigh(counts, None), shape))
    return Batch(*(jnp.asarray(part[0]) for part in chunk))


def started(architecture: Architecture, *, centre: np.ndarray | None = None) -> tuple[HostTree, HostTree]:
    rng = np.random.default_rng(1)
    return model.initial_params(architecture, feature_dim=WORDS, topics=TOPICS, rng=rng, centre=centre)


@functools.cache
def compiled(architecture: Architecture, *, training: bool) -> Any:
    # As one: run step by step, JAX would compile each operation by itself.
    return jax.jit(lambda *trees: model.posterior(architecture, *trees, training=training))


def posterior(architecture: Architecture, params: HostTree, averages: HostTree, batch: Batch, *, training: bool) -> Any:
    return compiled(architecture, training=training)(params, averages, batch)


def sigmoid(value: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-value)))


def test_the_plain_ntms_loss_is_the_textbook_formula(counts: csr_matrix) -> None:
    params, averages = started(PLAIN)
    noise = np.random.default_rng(2).standard_normal((DOCUMENTS, TOPICS)).astype(np.float32)
    batch = batch_of(counts)

    mu, log_variance, _ = posterior(PLAIN, params, averages, batch, training=True)
    got = jax.jit(model.losses, static_argnums=0)(PLAIN, params, batch, mu, log_variance, jnp.asarray(noise))

    # Densely, in float64, and straight from the definition.
    dense = counts.toarray().astype(np.float64)
    hidden = sigmoid(dense @ params["encoder_0_weight"] + params["encoder_0_bias"])
    hidden = sigmoid(hidden @ params["encoder_1_weight"] + params["encoder_1_bias"])
    mean = hidden @ params["mu_weight"] + params["mu_bias"]
    spread = hidden @ params["log_variance_weight"] + params["log_variance_bias"]
    theta = softmax(mean + np.exp(spread / 2) * noise, axis=1)
    reconstruction = -(dense * log_softmax(theta @ params["topics"] + params["background"], axis=1)).sum()
    kl = -0.5 * (1 + spread - mean**2 - np.exp(spread)).sum()
    assert float(got.reconstruction) == pytest.approx(reconstruction, rel=1e-5)
    assert float(got.kl) == pytest.approx(kl, rel=1e-4)


def test_a_long_document_counts_as_one_of_the_same_words_and_the_length_set(counts: csr_matrix) -> None:
    params = {name: jnp.asarray(value) for name, value in started(PLAIN)[0].items()}
    stretched = counts.multiply(6 / counts.sum(axis=1)).tocsr()
    mu, log_variance, noise = (jnp.zeros((DOCUMENTS, TOPICS)) for _ in range(3))

    def reconstruction(documents: csr_matrix, words: float) -> float:
        weighted = PLAIN._replace(document_weight_words=words)
        return float(model.losses(weighted, params, batch_of(documents), mu, log_variance, noise).reconstruction)

    assert reconstruction(stretched * 50, 6.0) == pytest.approx(reconstruction(stretched, 0.0), rel=1e-5)
    assert reconstruction(stretched, 6.5) == pytest.approx(reconstruction(stretched, 0.0), rel=1e-5)


def test_the_divergence_is_from_a_prior_of_the_variance_set(counts: csr_matrix) -> None:
    params = {name: jnp.asarray(value) for name, value in started(PLAIN)[0].items()}
    mu, log_variance, noise = (
        np.random.default_rng(seed).standard_normal((DOCUMENTS, TOPICS)).astype(np.float32) for seed in range(3)
    )
    narrow = PLAIN._replace(prior_variance=0.3)

    got = model.losses(narrow, params, batch_of(counts), *map(jnp.asarray, (mu, log_variance, noise))).kl

    # In units of the prior's standard deviation, it is the divergence from the standard normal.
    mean, variance = mu / np.sqrt(0.3), np.exp(log_variance) / 0.3
    assert float(got) == pytest.approx(0.5 * (mean**2 + variance - 1 - np.log(variance)).sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("leading", "expected"),
    [([0, 0, 0, 0, 0], 0.0), ([0, 1, 2, 0, 1], -(0.4 * np.log(0.4) * 2 + 0.2 * np.log(0.2)))],
    ids=["one topic for all", "a topic each"],
)
def test_documents_of_one_topic_each_tell_as_much_as_the_topics_are_spread(
    counts: csr_matrix, leading: list[int], expected: float
) -> None:
    # Room for two more documents, whose places must not count.
    mu = np.pad(50.0 * np.eye(TOPICS, dtype=np.float32)[leading], ((0, 2), (0, 0)), constant_values=7.0)

    got = model.topic_information(PLAIN, batch_of(counts, room=DOCUMENTS + 2), jnp.asarray(mu))

    assert float(got) == pytest.approx(expected, abs=1e-5)


def test_documents_that_are_of_all_topics_alike_tell_nothing(counts: csr_matrix) -> None:
    got = model.topic_information(PLAIN, batch_of(counts), jnp.zeros((DOCUMENTS, TOPICS)))

    assert float(got) == pytest.approx(0.0, abs=1e-6)


def test_the_words_of_a_document_count_up_to_its_weight_for_the_terms_beside_the_loss() -> None:
    batch = batch_of(csr_matrix(np.array([[10, 0], [0, 90], [50, 50]], np.float32)), room=DOCUMENTS)

    means = [float(model.relative_words(PLAIN._replace(document_weight_words=words), batch)) for words in (0, 50)]

    assert np.multiply(means, model.REFERENCE_WORDS) == pytest.approx([200 / 3, 110 / 3])


@pytest.mark.parametrize(("activation", "batch_norm"), [("sigmoid", False), ("tanh", True), ("relu", False)])
def test_gradients_are_those_of_finite_differences(counts: csr_matrix, activation: str, batch_norm: bool) -> None:
    architecture = Architecture(
        (6, 4), activation, batch_norm, clamp_log_variance=True, document_weight_words=6.0, prior_variance=0.5
    )
    with jax.enable_x64(True):
        host, host_averages = started(architecture, centre=np.full(WORDS, 0.3, np.float32))
        params: Tree = {name: jnp.asarray(value, jnp.float64) for name, value in host.items()}
        averages: Tree = {name: jnp.asarray(value, jnp.float64) for name, value in host_averages.items()}
        batch = batch_of(counts, room=DOCUMENTS + 2)
        noise = jnp.asarray(np.random.default_rng(2).standard_normal((DOCUMENTS + 2, TOPICS)))

        @jax.jit
        def loss(values: Tree) -> jax.Array:
            mu, log_variance, _ = model.posterior(architecture, values, averages, batch, training=True)
            sums = model.losses(architecture, values, batch, mu, log_variance, noise)
            return sums.reconstruction + sums.kl - 7.0 * model.topic_information(architecture, batch, mu)

        gradients = jax.grad(loss)(params)
        rng = np.random.default_rng(3)
        for name, value in params.items():
            direction = jnp.asarray(rng.standard_normal(value.shape))
            ahead, behind = ({**params, name: value + sign * 1e-6 * direction} for sign in (1, -1))
            slope = float(loss(ahead) - loss(behind)) / 2e-6

            assert float((gradients[name] * direction).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize(("repulsion", "temperature"), [(0.0, 1.0), (8.0, 1.0), (8.0, 2.0)])
def test_the_coherence_gradient_is_that_of_finite_differences(repulsion: float, temperature: float) -> None:
    rng = np.random.default_rng(0)
    words = np.array([[0, 3, 5, 7], [1, 2, 3, 10], [9, 8, 7, 6]], np.int32)
    npmi = rng.uniform(-1, 1, (TOPICS, 4, 4))
    npmi = npmi + npmi.transpose(0, 2, 1)
    topics = rng.standard_normal((TOPICS, WORDS))

    def term(values: np.ndarray) -> float:
        q = softmax(np.take_along_axis(values, words, axis=1) / temperature, axis=1)
        placed = np.zeros((TOPICS, WORDS))
        np.put_along_axis(placed, words, q, axis=1)
        shared = sum(float(placed[one] @ placed[other]) for one in range(TOPICS) for other in range(one))
        return -float(np.einsum("ki,kij,kj->", q, npmi, q)) + repulsion * shared

    got = model.coherence_gradient(
        jnp.asarray(topics), jnp.asarray(words), jnp.asarray(npmi), repulsion=repulsion, temperature=temperature
    )

    expected = np.zeros((TOPICS, 4))
    for topic in range(TOPICS):
        for place, word in enumerate(words[topic]):
            step = np.zeros_like(topics)
            step[topic, word] = 1e-5
            expected[topic, place] = (term(topics + step) - term(topics - step)) / 2e-5
    np.testing.assert_allclose(got, expected, atol=5e-5)


def test_padding_and_empty_places_of_a_batch_change_nothing(counts: csr_matrix) -> None:
    architecture = PLAIN._replace(batch_norm=True)
    params, averages = started(architecture)
    noise = np.random.default_rng(2).standard_normal((DOCUMENTS + 3, TOPICS)).astype(np.float32)

    def sums(room: int) -> list[float]:
        batch = batch_of(counts, room=room)
        mu, log_variance, moved = posterior(architecture, params, averages, batch, training=True)
        drawn = jnp.asarray(noise[:room])
        losses = jax.jit(model.losses, static_argnums=0)(architecture, params, batch, mu, log_variance, drawn)
        return [*map(float, losses), *(float(value.sum()) for value in moved.values())]

    assert sums(DOCUMENTS) == pytest.approx(sums(DOCUMENTS + 3), rel=1e-5)


def test_a_clamped_log_variance_stays_in_its_range(counts: csr_matrix) -> None:
    params, averages = started(PLAIN)
    params["log_variance_bias"] = np.array([100.0, -100.0, 0.0], np.float32)

    _, free, _ = posterior(PLAIN, params, averages, batch_of(counts), training=False)
    _, clamped, _ = posterior(
        PLAIN._replace(clamp_log_variance=True), params, averages, batch_of(counts), training=False
    )

    assert (float(free.max()), float(free.min())) == pytest.approx((100, -100), abs=5)
    assert (float(clamped.max()), float(clamped.min())) == architecture.LOG_VARIANCE_RANGE[::-1]


def test_batch_norm_evaluates_with_the_averages_of_training(counts: csr_matrix) -> None:
    architecture = PLAIN._replace(batch_norm=True)
    params, averages = started(architecture)
    batch = batch_of(counts)
    for _ in range(200):
        _, _, averages = posterior(architecture, params, averages, batch, training=True)

    seen, _, _ = posterior(architecture, params, averages, batch, training=True)
    evaluated, _, _ = posterior(architecture, params, averages, batch, training=False)

    np.testing.assert_allclose(evaluated, seen, atol=1e-4)
