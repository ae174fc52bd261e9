"""The compiled loops over a chunk of batches: training steps, inference."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from training_scripts.ntm.learning import model, optimizers
from training_scripts.ntm.learning.architecture import Architecture
from training_scripts.ntm.learning.model import Batch, Losses, Tree
from training_scripts.ntm.reading.batches import Chunk

if TYPE_CHECKING:
    from training_scripts.hyperparameters import NtmHyperparameters, OpenNtmSwitches


class Carry(NamedTuple):
    """What a training step hands to the next."""

    params: Tree
    averages: Tree
    optimizer: optimizers.OptimizerState
    mean: Tree
    """Moving average of the parameters; empty where none is kept."""


class Coherence(NamedTuple):
    """Each topic's top words (topics, n) and their NPMI (topics, n, n); None where the term is off."""

    words: jax.Array
    npmi: jax.Array


Noise = npt.NDArray[np.float32]
"""Standard normal, (steps, mini_batch_size, topics). Drawn by NumPy: XLA's generator is slow to compile, and slower."""
TrainChunk = Callable[[Carry, Chunk, Noise, Coherence | None], tuple[Carry, Losses]]
InferChunk = Callable[[Tree, Tree, Chunk], jax.Array]


def train_chunk(ntm: NtmHyperparameters, switches: OpenNtmSwitches) -> TrainChunk:
    """Return the compiled loop (carry, chunk, noise, coherence) -> (carry, summed losses). The carry is consumed."""
    architecture = Architecture.of(ntm, switches)

    def loss(params: Tree, averages: Tree, batch: Batch, noise: jax.Array) -> tuple[jax.Array, tuple[Losses, Tree]]:
        mu, log_variance, moved = model.posterior(architecture, params, averages, batch, training=True)
        sums = model.losses(architecture, params, batch, mu, log_variance, noise)
        total = (sums.reconstruction + sums.kl) / batch.documents
        if weight := switches.by_topics(ntm).topic_information:
            words = model.relative_words(architecture, batch)
            total -= weight * words * model.topic_information(architecture, batch, mu)
        return total, (sums, moved)

    def step(carry: Carry, batch: Batch, noise: jax.Array, coherence: Coherence | None) -> tuple[Carry, Losses]:
        gradients, (sums, moved) = jax.grad(loss, has_aux=True)(carry.params, carry.averages, batch, noise)
        if coherence is not None:
            relevance = carry.params["topics"] + switches.coherence_background_share * carry.params["background"]
            pull = model.coherence_gradient(
                relevance,
                *coherence,
                repulsion=switches.topic_repulsion,
                temperature=switches.coherence_temperature,
            )
            # Squared, as the term is of pairs of words.
            weight = switches.coherence_weight * model.relative_words(architecture, batch) ** 2
            rows = jnp.arange(ntm.num_topics)[:, None]
            gradients["topics"] = gradients["topics"].at[rows, coherence.words].add(weight * pull)
        rates = {"topics": switches.decoder_rate}
        params, optimizer = optimizers.update(ntm, carry.params, gradients, carry.optimizer, rates)
        mean = optimizers.moving_average(carry.mean, params, optimizer.steps, switches.parameter_averaging)
        return Carry(params, moved, optimizer, mean), sums

    def run(carry: Carry, chunk: Chunk, noise: Noise, coherence: Coherence | None) -> tuple[Carry, Losses]:
        def scanned(state: Carry, item: tuple[Batch, jax.Array]) -> tuple[Carry, Losses]:
            batch, drawn = item
            taken: tuple[Carry, Losses] = jax.lax.cond(
                batch.documents > 0,
                lambda: step(state, batch, drawn, coherence),
                lambda: (state, Losses(jnp.zeros(()), jnp.zeros(()))),
            )
            return taken

        carry, sums = jax.lax.scan(scanned, carry, (Batch(*map(jnp.asarray, chunk)), jnp.asarray(noise)))
        return carry, Losses(sums.reconstruction.sum(), sums.kl.sum())

    return jax.jit(run, donate_argnums=0)


def infer_chunk(ntm: NtmHyperparameters, switches: OpenNtmSwitches) -> InferChunk:
    """Return the compiled loop (params, averages, chunk) -> topic weights softmax(mu), (steps, documents, topics)."""
    architecture = Architecture.of(ntm, switches)

    def run(params: Tree, averages: Tree, chunk: Chunk) -> jax.Array:
        def scanned(nothing: None, batch: Batch) -> tuple[None, jax.Array]:
            mu, *_ = model.posterior(architecture, params, averages, batch, training=False)
            return nothing, jax.nn.softmax(mu)

        _, weights = jax.lax.scan(scanned, None, Batch(*map(jnp.asarray, chunk)))
        return weights

    return jax.jit(run)
