"""ProdLDA (Srivastava and Sutton 2017, Autoencoding Variational Inference for Topic Models), written in JAX.

The published implementations need torch or TensorFlow, gigabytes that nothing else here wants. This one follows the
paper and topmost's port of it: encoder of two softplus layers of 200 units, batch-normalised mu, log-variance and
decoder without learned scale, Laplace approximation of the Dirichlet prior, dropout on the encoder's output and on
theta, Adam with beta1 0.99, batches of 200.
"""

# ruff: noqa: ANN401, PLR0917 (JAX hands trees through: their shape is told by the functions that make them)

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from benchmarks.topics.corpora import Corpus

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Matrix = npt.NDArray[np.floating]
Tree = dict[str, Any]

_HIDDEN: Final = 200
_BATCH: Final = 200
_MOMENTUM: Final = 0.9
_BETAS: Final = (0.99, 0.999)


class ProdLda:
    """A fitted ProdLDA."""

    def __init__(self, corpus: Corpus, topics: int, seed: int, settings: dict[str, Any]) -> None:
        """Fit."""
        settings = {"epochs": 100, "learning_rate": 2e-3, "dropout": 0.4, "prior": 1.0, **settings}
        counts = np.asarray(corpus.train.counts.toarray(), dtype=np.float32)
        variance = (1 - 2 / topics) / settings["prior"] + 1 / (topics * settings["prior"])
        rng = np.random.default_rng(seed)
        params = _start(rng, counts.shape[1], topics)
        averages = {
            name: (jnp.zeros(size), jnp.ones(size))
            for name, size in (("mu", topics), ("log_variance", topics), ("decoder", counts.shape[1]))
        }
        moments = jax.tree.map(jnp.zeros_like, (params, params))
        epoch = jax.jit(partial(_epoch, variance=variance, rate=settings["learning_rate"], dropout=settings["dropout"]))
        steps = len(counts) // _BATCH
        for number in range(settings["epochs"]):
            order = rng.permutation(len(counts))[: steps * _BATCH].reshape(steps, _BATCH)
            key = jax.random.fold_in(jax.random.key(seed), number)
            params, averages, moments = epoch(params, averages, moments, counts[order], key, number * steps)
        self._params = {name: np.asarray(value) for name, value in params.items()}
        self._averages = {name: tuple(map(np.asarray, value)) for name, value in averages.items()}
        self.topics = self._params["topics"]

    def weights(self, counts: csr_matrix) -> Matrix:
        """Return softmax(mu)."""
        params = self._params
        hidden = np.logaddexp(0, counts @ params["w0"] + params["b0"])
        hidden = np.logaddexp(0, hidden @ params["w1"] + params["b1"])
        mean, spread = self._averages["mu"]
        mu = (hidden @ params["mu"] - mean) / np.sqrt(spread + 1e-5) + params["mu_shift"]
        return np.asarray(softmax(mu, axis=1))

    def predicted(self, counts: csr_matrix) -> Matrix:
        """Return the decoder's softmax, batch normalisation at its training averages."""
        mean, spread = self._averages["decoder"]
        logits = (self.weights(counts) @ self._params["topics"] - mean) / np.sqrt(spread + 1e-5)
        return np.asarray(softmax(logits + self._params["decoder_shift"], axis=1))


def _start(rng: np.random.Generator, words: int, topics: int) -> Tree:
    def glorot(fan_in: int, fan_out: int) -> jax.Array:
        bound = np.sqrt(6 / (fan_in + fan_out))
        return jnp.asarray(rng.uniform(-bound, bound, (fan_in, fan_out)), jnp.float32)

    return {
        "w0": glorot(words, _HIDDEN),
        "b0": jnp.zeros(_HIDDEN),
        "w1": glorot(_HIDDEN, _HIDDEN),
        "b1": jnp.zeros(_HIDDEN),
        "mu": glorot(_HIDDEN, topics),
        "mu_shift": jnp.zeros(topics),
        "log_variance": glorot(_HIDDEN, topics),
        "log_variance_shift": jnp.zeros(topics),
        "topics": glorot(topics, words),
        "decoder_shift": jnp.zeros(words),
    }


def _normalised(
    values: jax.Array, average: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    mean, spread = values.mean(axis=0), values.var(axis=0)
    kept = (_MOMENTUM * average[0] + (1 - _MOMENTUM) * mean, _MOMENTUM * average[1] + (1 - _MOMENTUM) * spread)
    return (values - mean) / jnp.sqrt(spread + 1e-5), kept


def _loss(params: Tree, averages: Tree, counts: jax.Array, key: jax.Array, variance: float, dropout: float) -> Any:
    keys = jax.random.split(key, 3)

    def dropped(values: jax.Array, number: int) -> jax.Array:
        return jnp.where(jax.random.bernoulli(keys[number], 1 - dropout, values.shape), values / (1 - dropout), 0)

    hidden = jax.nn.softplus(counts @ params["w0"] + params["b0"])
    hidden = dropped(jax.nn.softplus(hidden @ params["w1"] + params["b1"]), 0)
    mu, mu_average = _normalised(hidden @ params["mu"], averages["mu"])
    mu += params["mu_shift"]
    log_variance, variance_average = _normalised(hidden @ params["log_variance"], averages["log_variance"])
    log_variance += params["log_variance_shift"]
    theta = dropped(jax.nn.softmax(mu + jnp.exp(log_variance / 2) * jax.random.normal(keys[1], mu.shape)), 2)
    logits, decoder_average = _normalised(theta @ params["topics"], averages["decoder"])
    reconstruction = -(counts * jax.nn.log_softmax(logits + params["decoder_shift"])).sum(axis=1)
    kl = 0.5 * (jnp.exp(log_variance) / variance + mu**2 / variance - 1 + jnp.log(variance) - log_variance).sum(axis=1)
    moved = {"mu": mu_average, "log_variance": variance_average, "decoder": decoder_average}
    return (reconstruction + kl).mean(), moved


def _epoch(
    params: Tree,
    averages: Tree,
    moments: Any,
    batches: jax.Array,
    key: jax.Array,
    done: int,
    *,
    variance: float,
    rate: float,
    dropout: float,
) -> Any:
    def step(carry: Any, item: Any) -> Any:
        values, means, (first, second) = carry
        counts, number = item
        gradients, means = jax.grad(_loss, has_aux=True)(
            values, means, counts, jax.random.fold_in(key, number), variance, dropout
        )
        first = jax.tree.map(lambda m, g: _BETAS[0] * m + (1 - _BETAS[0]) * g, first, gradients)
        second = jax.tree.map(lambda v, g: _BETAS[1] * v + (1 - _BETAS[1]) * g * g, second, gradients)
        taken = done + number + 1.0
        scale = rate * jnp.sqrt(1 - _BETAS[1] ** taken) / (1 - _BETAS[0] ** taken)
        values = jax.tree.map(lambda w, m, v: w - scale * m / (jnp.sqrt(v) + 1e-8), values, first, second)
        return (values, means, (first, second)), None

    carry, _ = jax.lax.scan(step, (params, averages, moments), (batches, jnp.arange(len(batches))))
    return carry
