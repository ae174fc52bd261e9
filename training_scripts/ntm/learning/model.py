"""The Neural Topic Model in JAX: parameters, encoder, decoder and loss.

    h = MLP(x)                                encoder, x the weighted bag of words
    mu, log_variance = linear maps of h
    z ~ Normal(mu, exp(log_variance))         prior Normal(0, prior_variance)
    theta = softmax(z)                        topic weights
    p(word | document) = softmax(theta B + b) decoder: a product of experts, not a mixture

    loss of a document = -weight sum_w count_w log p(w) + kl_weight KL(q(z | x) || prior)

with weight = min(1, document_weight_words / sum_w count_w), 1 where that switch is off.

Sources: Miao, Yu and Blunsom 2016 (Neural Variational Inference for Text Processing), Ding, Nallapati and Xiang 2018
(Coherence-Aware Neural Topic Modeling), Srivastava and Sutton 2017 (the product of experts). See docs/ntm.md.
"""

from __future__ import annotations

import itertools
from typing import Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from training_scripts.ntm.coherence import TOP_WORDS
from training_scripts.ntm.learning.architecture import LOG_VARIANCE_RANGE, Architecture, HostTree

Tree = dict[str, jax.Array]

BATCH_NORM_MOMENTUM: Final = 0.9
BATCH_NORM_EPSILON: Final = 1e-5
REFERENCE_WORDS: Final = 30.0
"""Mean words of a document for which the weights of the terms beside the loss are told. A document of fewer words says
less of its topics, and far less of which words go together, and these terms must not outvote it."""
_SHARPNESS: Final = 2.4
"""By how much topic information sharpens theta, in units of the prior's standard deviation."""
_SMALLEST_SHARE: Final = 1e-9
"""Added to a topic's share before its logarithm: a topic may have none of a batch."""
_SIGMOID_GAIN: Final = 4.0
"""A sigmoid is a tanh of a quarter of the slope: this undoes it where the centred start is on."""


class Batch(NamedTuple):
    """One training step's documents; shapes as in `batches.Chunk`, without the steps."""

    counts: jax.Array
    inputs: jax.Array
    rows: jax.Array
    words: jax.Array
    lengths: jax.Array
    documents: jax.Array


class Losses(NamedTuple):
    """Sums over a batch's documents."""

    reconstruction: jax.Array
    kl: jax.Array


def initial_params(
    architecture: Architecture,
    *,
    feature_dim: int,
    topics: int,
    rng: np.random.Generator,
    centre: npt.NDArray[np.float32] | None,
) -> tuple[HostTree, HostTree]:
    """Return (parameters, batch-norm averages) before training, the decoder small and random.

    Args:
        architecture: sizes of the encoder.
        feature_dim: words of the vocabulary.
        topics: number of topics.
        rng: source of the random start.
        centre: mean encoder input (feature_dim,), for a start scaled to the activation and centred on the mean
            document; None for Glorot's plain uniform start with zero biases.
    """
    params: HostTree = {}
    averages: HostTree = {}
    sigmoid = architecture.activation == "sigmoid"
    widths = (feature_dim, *architecture.layers)
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(widths)):
        weight = _glorot(rng, fan_in, fan_out)
        bias = np.zeros(fan_out, np.float32)
        if centre is not None:
            if layer == 0:
                # Documents have length INPUT_NORM whatever the vocabulary: the fan-in says nothing about their size.
                weight = (rng.standard_normal((fan_in, fan_out)) / _first_layer_scale(architecture)).astype(np.float32)
                bias = -(centre @ weight)
            elif sigmoid:
                weight *= _SIGMOID_GAIN
                bias = -0.5 * weight.sum(axis=0)
        params[f"encoder_{layer}_weight"], params[f"encoder_{layer}_bias"] = weight, bias.astype(np.float32)
        if architecture.batch_norm:
            params[f"encoder_{layer}_gamma"] = np.ones(fan_out, np.float32)
            params[f"encoder_{layer}_beta"] = np.zeros(fan_out, np.float32)
            averages[f"encoder_{layer}_mean"] = np.zeros(fan_out, np.float32)
            averages[f"encoder_{layer}_variance"] = np.ones(fan_out, np.float32)
    for head in ("mu", "log_variance"):
        weight = _glorot(rng, widths[-1], topics)
        centred = centre is not None and sigmoid
        params[f"{head}_weight"] = weight
        params[f"{head}_bias"] = (-0.5 * weight.sum(axis=0) if centred else np.zeros(topics)).astype(np.float32)
    params["topics"] = _glorot(rng, topics, feature_dim)
    params["background"] = np.zeros(feature_dim, np.float32)
    return params, averages


def _first_layer_scale(architecture: Architecture) -> float:
    return 4.0 if architecture.activation == "sigmoid" else 8.0


def _glorot(rng: np.random.Generator, fan_in: int, fan_out: int) -> npt.NDArray[np.float32]:
    bound = np.sqrt(6.0 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32)


def posterior(
    architecture: Architecture, params: Tree, averages: Tree, batch: Batch, *, training: bool
) -> tuple[jax.Array, jax.Array, Tree]:
    """Return mu and log-variance, both (documents, topics), and the batch-norm averages after this batch."""
    documents = batch.lengths.shape[0]
    real = _real(batch)
    gathered = params["encoder_0_weight"][batch.words] * batch.inputs[:, None]
    hidden = jax.ops.segment_sum(gathered, batch.rows, documents) + params["encoder_0_bias"]
    moved: Tree = {}
    for layer in range(len(architecture.layers)):
        if layer:
            hidden = hidden @ params[f"encoder_{layer}_weight"] + params[f"encoder_{layer}_bias"]
        if architecture.batch_norm:
            hidden, mean, variance = _normalised(params, averages, layer, hidden, real, training=training)
            moved |= {f"encoder_{layer}_mean": mean, f"encoder_{layer}_variance": variance}
        hidden = _ACTIVATIONS[architecture.activation](hidden)
    mu = hidden @ params["mu_weight"] + params["mu_bias"]
    log_variance = hidden @ params["log_variance_weight"] + params["log_variance_bias"]
    if architecture.clamp_log_variance:
        log_variance = jnp.clip(log_variance, *LOG_VARIANCE_RANGE)
    return mu, log_variance, moved


_ACTIVATIONS: Final = {"sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh, "relu": jax.nn.relu}


def _normalised(
    params: Tree, averages: Tree, layer: int, hidden: jax.Array, real: jax.Array, *, training: bool
) -> tuple[jax.Array, jax.Array, jax.Array]:
    name = f"encoder_{layer}"
    old_mean, old_variance = averages[f"{name}_mean"], averages[f"{name}_variance"]
    if training:
        number = jnp.maximum(real.sum(), 1)
        mean = jnp.where(real, hidden, 0).sum(axis=0) / number
        variance = jnp.where(real, (hidden - mean) ** 2, 0).sum(axis=0) / number
        keep = BATCH_NORM_MOMENTUM
        moved = (keep * old_mean + (1 - keep) * mean, keep * old_variance + (1 - keep) * variance)
    else:
        mean, variance = old_mean, old_variance
        moved = (old_mean, old_variance)
    scaled = (hidden - mean) / jnp.sqrt(variance + BATCH_NORM_EPSILON)
    return scaled * params[f"{name}_gamma"] + params[f"{name}_beta"], *moved


def losses(  # noqa: PLR0917 (what the formula is of)
    architecture: Architecture,
    params: Tree,
    batch: Batch,
    mu: jax.Array,
    log_variance: jax.Array,
    noise: jax.Array,
) -> Losses:
    """Return the sums over the batch's documents of reconstruction loss and KL divergence, both weighted, in nats.

    Args:
        architecture: its `document_weight_words`, `prior_variance` and `kl_weight` are read.
        params: `topics` (topics, feature_dim) and `background` (feature_dim,) are read.
        batch: the documents.
        mu: (documents, topics).
        log_variance: (documents, topics).
        noise: standard normal, (documents, topics).
    """
    real = _real(batch)
    theta = jax.nn.softmax(mu + jnp.exp(0.5 * log_variance) * noise)
    logits = theta @ params["topics"] + params["background"]
    # sum_w c_w log p_w = sum_w c_w logit_w - length * logsumexp: only the document's own words are looked up.
    counts, lengths = batch.counts, batch.lengths
    if most := architecture.document_weight_words:
        weights = most / jnp.maximum(lengths, most)
        counts, lengths = counts * weights[batch.rows], lengths * weights
    chosen = (logits[batch.rows, batch.words] * counts).sum()
    reconstruction = (lengths * jax.nn.logsumexp(logits, axis=1)).sum() - chosen
    variance = architecture.prior_variance
    divergence = 0.5 * ((mu * mu + jnp.exp(log_variance)) / variance - 1.0 - log_variance + np.log(variance))
    return Losses(reconstruction, architecture.kl_weight * jnp.where(real, divergence, 0.0).sum())


def topic_information(architecture: Architecture, batch: Batch, mu: jax.Array) -> jax.Array:
    """Return the mutual information of a batch's documents and their topics, in nats: H(mean theta) - mean H(theta).

    It is highest, log(topics), where each document has one topic and all topics have as many documents (Krause, Perona
    and Gomes 2010, Discriminative Clustering by Regularized Information Maximization). theta is here
    sharpened, softmax(2.4 mu / sqrt(prior_variance)): what counts is which topic leads, and not that it leads by far,
    which a narrow prior and the words of the document are to decide.

    Args:
        architecture: its `prior_variance` is read.
        batch: the documents.
        mu: (documents, topics).
    """
    real = _real(batch)
    logs = jax.nn.log_softmax(_SHARPNESS * mu / np.sqrt(architecture.prior_variance))
    theta = jnp.exp(logs)
    mean = jnp.where(real, theta, 0.0).sum(axis=0) / batch.documents
    apart = jnp.where(real, theta * logs, 0.0).sum() / batch.documents
    return apart - (mean * jnp.log(mean + _SMALLEST_SHARE)).sum()


def relative_words(architecture: Architecture, batch: Batch) -> jax.Array:
    """Return the mean words of a batch's documents, none counted for more than its weight, over `REFERENCE_WORDS`."""
    most = architecture.document_weight_words
    counted = jnp.minimum(batch.lengths, most) if most else batch.lengths
    return counted.sum() / batch.documents / REFERENCE_WORDS


def _real(batch: Batch) -> jax.Array:
    """Return which places of a batch hold a document, (documents, 1)."""
    return (jnp.arange(batch.lengths.shape[0]) < batch.documents)[:, None]


def coherence_gradient(
    relevance: jax.Array, words: jax.Array, npmi: jax.Array, *, repulsion: float, temperature: float = 1.0
) -> jax.Array:
    """Return the gradient of sum_k (-q_k' M_k q_k + repulsion * sum_(l > k) q_k' q_l) at `words`, shape (topics, n).

    q_k is softmax(relevance_k / temperature) over the topic's words, 0 elsewhere, so that
    dq = (diag(q) - q q') d relevance / temperature.

    Args:
        relevance: how telling each word is of each topic, (topics, feature_dim).
        words: ids of each topic's top words, (topics, n).
        npmi: M, symmetric, zero diagonal, (topics, n, n).
        repulsion: strength of the second part, which parts topics that lead with the same words.
        temperature: above 1, q spreads over more of the words.
    """
    q = jax.nn.softmax(jnp.take_along_axis(relevance, words, axis=1) / temperature)
    slope = -2.0 * jnp.einsum("kij,kj->ki", npmi, q)
    if repulsion:
        all_topics = jnp.zeros(relevance.shape[1], q.dtype).at[words].add(q)
        slope += repulsion * (all_topics[words] - q)
    return q * (slope - (q * slope).sum(axis=1, keepdims=True)) / temperature


def coherence_width(feature_dim: int) -> int:
    """Return how many top words the coherence term looks at."""
    return min(TOP_WORDS, feature_dim)
