"""Training from documents in memory or streamed: epochs, averaging over instances, early stop, the best model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from training_scripts.ntm.coherence import Cooccurrence
from training_scripts.ntm.failure import ClientError
from training_scripts.ntm.learning import epoch as loops
from training_scripts.ntm.learning import optimizers
from training_scripts.ntm.learning.architecture import Architecture, HostTree
from training_scripts.ntm.learning.block_momentum import even_instances, momentum, pushed
from training_scripts.ntm.learning.early_stop import EarlyStop
from training_scripts.ntm.learning.evaluation import EVALUATION_SEED, Evaluation
from training_scripts.ntm.learning.model import coherence_width
from training_scripts.ntm.learning.start import CorpusFacts, corpus_facts, starting_params
from training_scripts.ntm.sums import Cluster, any_set
from training_scripts.ntm.topic_words import ranked_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from training_scripts.hyperparameters import NtmHyperparameters, OpenNtmSwitches
    from training_scripts.ntm.reading.batches import BatchShape
    from training_scripts.ntm.reading.documents import Documents


class EpochLoss(NamedTuple):
    """Mean loss of a document, in nats; `kl` is weighted by the switch of that name."""

    reconstruction: float
    kl: float

    @property
    def total(self) -> float:
        """What is minimised, and what the metric `total_loss` reports."""
        return self.reconstruction + self.kl


class EpochReport(NamedTuple):
    """What an epoch is logged with."""

    epoch: int
    train: EpochLoss
    validation: EpochLoss | None
    best: bool
    records: int
    """Documents that this instance has trained on in the epoch."""
    completed: float
    """Share of the epochs that are done at most."""


@dataclass
class Progress:
    """All that training needs to go on after an interruption: arrays as on every instance between two epochs."""

    params: HostTree
    averages: HostTree
    first: HostTree
    second: HostTree
    mean: HostTree
    """Moving average of the parameters; empty where none is kept."""
    velocity: HostTree
    """The last epoch's move, where there are several instances; empty before the first, and of one."""
    steps: int
    best_params: HostTree
    best_averages: HostTree
    history: list[float]
    train: list[EpochLoss]
    validation: list[EpochLoss]

    @property
    def candidate(self) -> HostTree:
        """The parameters that the model would have if training ended here."""
        return self.mean or self.params


class Trained(NamedTuple):
    """The model kept, and how it came about."""

    params: HostTree
    averages: HostTree
    facts: CorpusFacts
    epochs: int
    best_epoch: int
    train: EpochLoss
    validation: EpochLoss | None
    stopped_early: bool
    finished: bool
    """Whether the last of the epochs asked for was reached."""


class Trainer:
    """Trains one model. `train` may be called once."""

    def __init__(
        self,
        ntm: NtmHyperparameters,
        switches: OpenNtmSwitches,
        *,
        documents: Documents,
        validation: Documents | None,
        cluster: Cluster,
    ) -> None:
        """Take the settings, this instance's training documents, and the validation documents."""
        self._ntm = ntm
        self._switches = switches
        self._documents = documents
        self._validation = validation
        self._cluster = cluster
        self.facts = corpus_facts(documents.statistics, cluster)
        self.idf = self.facts.idf if switches.input_weighting == "tfidf" else None
        self._train_chunk = loops.train_chunk(ntm, switches)
        self._architecture = Architecture.of(ntm, switches)
        self.cooccurrence = Cooccurrence(documents.statistics.sample, cluster=cluster)

    def start(self) -> Progress:
        """Return the state before the first epoch."""
        params, averages = starting_params(
            self._ntm,
            self._switches,
            sample=self._documents.statistics.sample,
            facts=self.facts,
            cluster=self._cluster,
        )
        # The primary's start is everyone's: instances of different hardware may round differently.
        mine = 1.0 if self._cluster.rank == 0 else 0.0
        params, averages = self._cluster.average(params, mine), self._cluster.average(averages, mine)
        first, second = optimizers.starting_averages(self._ntm, params)
        return Progress(
            params=params,
            averages=averages,
            first=first,
            second=second,
            mean=params if self._switches.parameter_averaging else {},
            velocity={},
            steps=0,
            best_params=params,
            best_averages=averages,
            history=[],
            train=[],
            validation=[],
        )

    def train(
        self,
        progress: Progress,
        *,
        report: Callable[[EpochReport], None],
        save: Callable[[Progress], None],
        interrupted: Callable[[], bool],
    ) -> Trained:
        """Run epochs until the last, the early stop, or an interruption.

        Args:
            progress: where to start from; changed in place.
            report: called after each epoch.
            save: called after each epoch, with what a later call may start from.
            interrupted: asked after each epoch.
        """
        stop = EarlyStop(self._ntm.num_patience_epochs, self._ntm.tolerance, progress.history)
        while len(progress.history) < self._ntm.epochs and not stop.should_stop:
            epoch = len(progress.history)
            train, records = self._epoch(progress, epoch)
            validation = self.evaluate(progress.candidate, progress.averages, self._validation)
            progress.train.append(train)
            if validation is not None:
                progress.validation.append(validation)
            stop.add((validation or train).total)
            best = stop.best_epoch == epoch
            if best:
                progress.best_params, progress.best_averages = progress.candidate, progress.averages
            self._refuse_divergence(epoch, stop.history[-1])
            report(EpochReport(epoch, train, validation, best, records, (epoch + 1) / self._ntm.epochs))
            save(progress)
            if any_set(self._cluster, interrupted()):
                break
        kept = max(stop.best_epoch, 0)
        return Trained(
            params=progress.best_params,
            averages=progress.best_averages,
            facts=self.facts,
            epochs=len(progress.history),
            best_epoch=kept,
            train=progress.train[kept],
            validation=progress.validation[kept] if progress.validation else None,
            stopped_early=stop.should_stop and len(progress.history) < self._ntm.epochs,
            finished=len(progress.history) >= self._ntm.epochs,
        )

    def evaluate(self, params: HostTree, averages: HostTree, documents: Documents | None) -> EpochLoss | None:
        """Return the mean loss of `documents`, which every instance holds in full; None if there are none."""
        if documents is None or documents.statistics.documents == 0:
            return None
        evaluation = Evaluation(self._architecture, params, averages, self.idf)
        rng = np.random.default_rng(EVALUATION_SEED)
        sums = np.zeros(2)
        for block in documents.blocks():
            sums += evaluation.losses(block, rng)
        return EpochLoss(*(sums / documents.statistics.documents).tolist())

    def topic_weights(self, params: HostTree, averages: HostTree, documents: Documents) -> npt.NDArray[np.float32]:
        """Return theta = softmax(mu) of each non-empty document, shape (documents, topics), in channel order."""
        run = loops.infer_chunk(self._ntm, self._switches)
        shape = documents.shape(self._ntm.mini_batch_size)
        device = _device(params), _device(averages)
        parts: list[npt.NDArray[np.float32]] = []
        for chunk in documents.in_order(shape, self.idf):
            weights = np.asarray(run(*device, chunk))
            parts.extend(weights[step, :number] for step, number in enumerate(chunk.documents) if number)
        return np.concatenate(parts) if parts else np.zeros((0, self._ntm.num_topics), np.float32)

    def _refuse_divergence(self, epoch: int, loss: float) -> None:
        if not math.isfinite(loss):
            raise ClientError(
                f"training diverged: the loss is {loss} after epoch {epoch + 1}; lower learning_rate "
                f"({self._ntm.learning_rate}) or clip_gradient ({self._ntm.clip_gradient or 'Infinity'})"
            )

    def _epoch(self, progress: Progress, epoch: int) -> tuple[EpochLoss, int]:
        shape = self._documents.shape(
            self._ntm.mini_batch_size, share=self._ntm.sub_sample, topics=self._ntm.num_topics
        )
        rng = np.random.default_rng([self._switches.seed, epoch, self._cluster.rank])
        state = optimizers.OptimizerState(
            _device(progress.first), _device(progress.second), jnp.asarray(progress.steps, jnp.int32)
        )
        carry = loops.Carry(_device(progress.params), _device(progress.averages), state, _device(progress.mean))
        coherence = self._coherence(progress.params)
        sums = np.zeros(2)
        documents = 0
        chunks = self._documents.shuffled(
            shape,
            self.idf,
            rng,
            share=self._ntm.sub_sample,
            least_input_share=self._switches.least_input_share,
        )
        for chunk in chunks:
            carry, losses = self._train_chunk(carry, chunk, self._noise(shape, rng), coherence)
            sums += [float(losses.reconstruction), float(losses.kl)]
            documents += int(chunk.documents.sum())
        # In float64: squares of documents.
        told = np.array([*sums, documents, documents**2, documents * int(carry.optimizer.steps)], dtype=np.float64)
        reconstruction, kl, total, squares, steps = self._cluster.sum(told).tolist()
        # One number of steps for all: theirs differ where their shards do, and a checkpoint holds one.
        progress.steps = round(steps / total)
        self._average(progress, carry, documents, momentum(even_instances(total, squares), epoch))
        return EpochLoss(reconstruction / total, kl / total), documents

    def _average(self, progress: Progress, carry: loops.Carry, documents: int, share: float) -> None:
        parts = {
            "params": carry.params,
            "averages": carry.averages,
            "first": carry.optimizer.first,
            "second": carry.optimizer.second,
            "mean": carry.mean,
        }
        flat = {f"{part}/{name}": np.asarray(array) for part, tree in parts.items() for name, array in tree.items()}
        mean = self._cluster.average(flat, float(documents))
        before = progress.params
        for part, tree in parts.items():
            setattr(progress, part, {name: mean[f"{part}/{name}"] for name in tree})
        if self._cluster.size > 1:
            progress.params, progress.velocity = pushed(before, progress.params, progress.velocity, share)
        else:
            progress.velocity = {}

    def _noise(self, shape: BatchShape, rng: np.random.Generator) -> loops.Noise:
        return rng.standard_normal((shape.steps, shape.documents, self._ntm.num_topics), dtype=np.float32)

    def _coherence(self, params: HostTree) -> loops.Coherence | None:
        if self._switches.coherence_weight == 0:
            return None
        width = coherence_width(params["topics"].shape[1])
        share = self._switches.coherence_background_share
        words = ranked_ids(params["topics"], params["background"], width, share)
        npmi = self.cooccurrence.expected_npmi(words, self._switches.coherence_unseen_share)
        return loops.Coherence(jnp.asarray(words), jnp.asarray(npmi))


def _device(tree: HostTree) -> dict[str, jax.Array]:
    # A copy: the training step consumes its carry, and must not consume what the host still holds.
    return {name: jnp.array(value) for name, value in tree.items()}
