"""One training job on one instance: from the container's input folder to its model folder."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from training_scripts.hyperparameters import HyperparameterError, JobHyperparameters, parse_job_hyperparameters
from training_scripts.ntm import artifact, builtin_member, sums, topic_words
from training_scripts.ntm.coherence import Cooccurrence, Ids, mean_npmi, uniqueness_by_topic
from training_scripts.ntm.failure import ClientError
from training_scripts.ntm.inference import WEIGHT_EXPONENT, NtmInference
from training_scripts.ntm.learning import checkpoint
from training_scripts.ntm.learning.architecture import Architecture
from training_scripts.ntm.learning.cluster import Hosts, Instances
from training_scripts.ntm.learning.embeddings import EMBEDDINGS_FILE, read_embeddings, word_embedding_coherence
from training_scripts.ntm.learning.evaluation import loss_definition
from training_scripts.ntm.learning.log import JobLog
from training_scripts.ntm.learning.training import EpochLoss, EpochReport, Progress, Trained, Trainer
from training_scripts.ntm.reading import channels
from training_scripts.ntm.reading.documents import Documents
from training_scripts.ntm.sums import Alone, Cluster
from training_scripts.ntm.topic_words import OwnDocuments
from training_scripts.ntm_environment import CORPUS_VARIABLE, SEED_VARIABLE
from training_scripts.plain_text import PlainTextError
from training_scripts.script_mode import layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scipy.sparse import csr_matrix

    from training_scripts.ntm.topic_words import TopicEntry

JOB_NAME_VARIABLE: Final = "TRAINING_JOB_NAME"
METRICS_FILE: Final = "output/metrics/final.json"
_INFERENCE_ROWS: Final = 1024
Measure = TypeVar("Measure")
Vector = npt.NDArray[np.float32]


class Quality(NamedTuple):
    """How good the topics are."""

    ids: Ids
    """Top words, (topics, n)."""
    uniqueness: npt.NDArray[np.float64]
    npmi: npt.NDArray[np.float64]
    npmi_channel: str
    wetc: npt.NDArray[np.float64] | None

    @property
    def scores(self) -> dict[str, npt.NDArray[np.float64]]:
        """The measures by name, each with a number a topic."""
        measured = {"tu": self.uniqueness, "npmi": self.npmi, "wetc": self.wetc}
        return {name: values for name, values in measured.items() if values is not None}


class Job:
    """Reads the container's input, trains, and writes what the service collects."""

    def __init__(self, root: Path, *, script_mode: bool = False) -> None:
        """Read the settings under `root`; in script mode the training toolkit's own channel and settings are ignored.

        Raises:
            ClientError: a hyperparameter, a channel or the vocabulary is not what NTM takes.
        """
        self._root = root
        self._settings = _settings(root / "input" / "config" / "hyperparameters.json", script_mode=script_mode)
        feature_dim = self._settings.feature_dim
        self._channels = channels.find_channels(
            root / "input", feature_dim=feature_dim, code_channel=layout.CODE_CHANNEL if script_mode else None
        )
        self._words = channels.read_vocabulary(root / "input", feature_dim=feature_dim)
        self._hosts = _hosts(root / "input" / "config" / "resourceconfig.json")
        self._log = JobLog(self._hosts.current)

    def run(self, interrupted: Callable[[], bool]) -> None:
        """Train; the primary instance writes model/, output/metrics/final.json and the topics' log.

        Args:
            interrupted: asked after each epoch; True on any instance ends training and keeps the best model so far.
        """
        cluster: Cluster = Instances(self._hosts) if len(self._hosts.names) > 1 else Alone()
        embeddings = self._embeddings() if cluster.rank == 0 else None
        documents = sums.agreed(cluster, self._documents)
        trainer = Trainer(
            self._settings.ntm,
            self._settings.switches,
            documents=documents[channels.TRAIN],
            validation=documents.get(channels.VALIDATION),
            cluster=cluster,
        )
        progress = self._progress(trainer, cluster)
        primary = cluster.rank == 0
        trained = trainer.train(
            progress,
            report=self._log.epoch if primary else _ignore,
            save=self._saver(primary=primary),
            interrupted=interrupted,
        )
        if primary and trained.stopped_early:
            self._log.progress(100)
        reason = "early stop" if trained.stopped_early else "last epoch" if trained.finished else "told to stop"
        self._log.info(
            f"{reason} after {trained.epochs} epochs; the model kept is that of epoch {trained.best_epoch + 1}"
        )
        model = self._model(trained, trainer.idf)
        sample = documents[channels.TRAIN].statistics.sample
        own = OwnDocuments(sample, _topic_weights(model, sample), trainer.cooccurrence, cluster)
        totals = cluster.sum(np.append(own.weights.sum(axis=0, dtype=np.float64), sample.shape[0]))
        named = topic_words.name(
            trained.params["topics"],
            trained.params["background"],
            own,
            unseen_share=self._settings.switches.coherence_unseen_share,
        )
        labels = topic_words.labels(named, own, self._words)
        shown = named.ids[:, : topic_words.SHOWN_WORDS]
        quality = self._measured(
            "the quality of the topics", lambda: self._quality(trainer, shown, documents, embeddings)
        )
        cluster.leave()
        if primary:
            tested = documents.get(channels.TEST)
            test = self._measured("the test loss", lambda: trainer.evaluate(trained.params, trained.averages, tested))
            topics = topic_words.describe(named, totals[:-1] / max(totals[-1], 1.0), self._words, labels)
            self._finish(model, trained, topics, quality, test)

    def _documents(self) -> dict[str, Documents]:
        loaded = {}
        for name, channel in self._channels.items():
            started = time.monotonic()
            documents = Documents.load(
                channel.read,
                feature_dim=self._settings.feature_dim,
                max_memory_mb=self._settings.switches.max_memory_mb,
                seed=self._settings.switches.seed,
            )
            known = documents.statistics
            self._log.info(
                f"channel {name}: {known.documents} documents, {known.nonzeros} distinct words in them, "
                f"{known.empty} empty documents left out, {_storage_description(documents)}, "
                f"read in {time.monotonic() - started:.2f} s"
            )
            loaded[name] = documents
        batch = self._settings.ntm.mini_batch_size
        training = loaded[channels.TRAIN].statistics.documents
        if training < batch:
            raise ClientError(
                f"instance {self._hosts.current} has {training} training documents, fewer than mini_batch_size "
                f"{batch}: lower it, or give the instance more shards"
            )
        return loaded

    def _progress(self, trainer: Trainer, cluster: Cluster) -> Progress:
        found = checkpoint.read(self._root / "checkpoints") if cluster.rank == 0 else None
        content = sums.share(cluster, found)
        if content is None:
            return trainer.start()
        progress = checkpoint.decode(content, self._settings)
        self._log.info(f"resuming after epoch {len(progress.history)}, from checkpoints/{checkpoint.CHECKPOINT_FILE}")
        return progress

    def _saver(self, *, primary: bool) -> Callable[[Progress], None]:
        folder = self._root / "checkpoints"
        # SageMaker makes the folder where a checkpoint location is configured; elsewhere nobody would collect it.
        if not primary or not folder.is_dir():
            return _ignore
        return lambda progress: checkpoint.save(folder, progress, self._settings)

    def _model(self, trained: Trained, idf: npt.NDArray[np.float32] | None) -> artifact.Artifact:
        arrays = {**trained.params, **trained.averages, **({} if idf is None else {"idf": idf})}
        architecture = Architecture.of(self._settings.ntm, self._settings.switches)
        by_topics = self._settings.switches.by_topics(self._settings.ntm)._asdict()
        exponent = self._settings.switches.weight_exponent
        told = {**arrays, WEIGHT_EXPONENT: np.array(exponent, np.float32)}
        version = os.environ.get(JOB_NAME_VARIABLE) or artifact.content_version(told)
        document: artifact.Document = {
            "model_version": version,
            "corpus_hash": os.environ.get(CORPUS_VARIABLE) or None,
            "vocabulary_hash": artifact.vocabulary_hash(self._words) if self._words else None,
            "num_topics": self._settings.ntm.num_topics,
            "feature_dim": self._settings.feature_dim,
            "encoder": architecture.described(self._settings.switches.input_weighting),
            WEIGHT_EXPONENT: exponent,
            "hyperparameters": {
                **self._settings.ntm.for_job(self._settings.feature_dim),
                **self._settings.switches.as_strings(),
                **{name: str(value) for name, value in by_topics.items()},
            },
        }
        return artifact.Artifact(arrays, document)

    def _embeddings(self) -> dict[int, Vector] | None:
        """Look at the embeddings before training; what is wrong with them is told, and costs nothing but WETC."""
        path = self._root / "input" / "data" / channels.AUXILIARY / EMBEDDINGS_FILE
        if not self._words or not path.is_file():
            return None
        try:
            found = read_embeddings(path, self._words)
        except (PlainTextError, OSError) as error:
            self._log.info(f"{EMBEDDINGS_FILE} {error}: there is no WETC")
            return None
        self._log.info(found.summary(len(self._words)))
        return found.vectors or None

    def _measured(self, what: str, measure: Callable[[], Measure]) -> Measure | None:
        """Return what is measured of a trained model, or None: no measure is worth the model."""
        try:
            return measure()
        except Exception as error:  # noqa: BLE001 - whatever it is, the model is there
            self._log.info(f"{what} cannot be measured, the model is kept: {type(error).__name__}: {error}")
            return None

    def _quality(
        self, trainer: Trainer, ids: Ids, documents: dict[str, Documents], embeddings: dict[int, Vector] | None
    ) -> Quality:
        validation = documents.get(channels.VALIDATION)
        if validation is not None and validation.statistics.documents:
            channel = channels.VALIDATION
            counts = Cooccurrence(validation.statistics.sample, cluster=Alone())
        else:
            channel, counts = channels.TRAIN, trainer.cooccurrence
        wetc = None
        if embeddings is not None:
            wetc = self._measured("WETC", lambda: word_embedding_coherence(ids, embeddings))
        return Quality(ids, uniqueness_by_topic(ids), mean_npmi(counts.npmi(ids), ids.shape[1]), channel, wetc)

    def _finish(
        self,
        model: artifact.Artifact,
        trained: Trained,
        topics: list[TopicEntry],
        quality: Quality | None,
        test: EpochLoss | None,
    ) -> None:
        metrics = {"train:total_loss": trained.train.total}
        if trained.validation is not None:
            metrics["validation:total_loss"] = trained.validation.total
        if test is not None:
            metrics["test:total_loss"] = test.total
        scores = {} if quality is None else quality.scores
        if quality is not None:
            metrics |= {f"{quality.npmi_channel}:{name}": float(values.mean()) for name, values in scores.items()}
        document = {
            **model.document,
            "epochs": trained.epochs,
            "best_epoch": trained.best_epoch + 1,
            "stopped_early": trained.stopped_early,
            "loss_definition": loss_definition(Architecture.of(self._settings.ntm, self._settings.switches)),
            "losses": {name: _parts(loss) for name, loss in _named(trained, test).items()},
            "metrics": metrics,
            "topic_words": topic_words.RULE,
            "topics": topics,
        }
        builtin_member.write(self._root / "model", trained.params["topics"], trained.params["background"])
        artifact.write(self._root / "model", model.arrays, document, self._words)
        heading = ", ".join(f"{name} {values.mean():.3f}" for name, values in scores.items())
        by_topic = [[float(values[topic]) for values in scores.values()] for topic in range(len(topics))]
        self._log.topics([topic["words"] for topic in topics], by_topic, heading)
        for name, value in metrics.items():
            channel, _, metric = name.partition(":")
            self._log.metric("final", channel, metric, value)
        path = self._root / METRICS_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")


def _settings(path: Path, *, script_mode: bool) -> JobHyperparameters:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ClientError(f"the job has no {path.name}") from error
    except ValueError as error:
        raise ClientError(f"{path.name} is not JSON: {error}") from error
    seed = os.environ.get(SEED_VARIABLE)
    told = {"seed": seed} if seed else {}
    ours = {
        name: _unquoted(str(value)) if script_mode else str(value)
        for name, value in raw.items()
        if not (script_mode and name.startswith(layout.TOOLKIT_HYPERPARAMETERS))
    }
    try:
        return parse_job_hyperparameters({**told, **ours})
    except HyperparameterError as error:
        raise ClientError(str(error)) from error


def _unquoted(value: str) -> str:
    """Return a text that a framework's estimator has written as JSON, and any other value as it is."""
    is_quoted = len(value) > 1 and value[0] == value[-1] == '"'
    return str(json.loads(value)) if is_quoted else value


def _hosts(path: Path) -> Hosts:
    if not path.exists():
        return Hosts("algo-1", ("algo-1",))
    config = json.loads(path.read_text(encoding="utf-8"))
    return Hosts(config["current_host"], tuple(config["hosts"]), config.get("network_interface_name"))


def _topic_weights(model: artifact.Artifact, counts: csr_matrix) -> npt.NDArray[np.float32]:
    inference = NtmInference(model)
    weights = np.zeros((counts.shape[0], inference.num_topics), np.float32)
    for first in range(0, counts.shape[0], _INFERENCE_ROWS):
        weights[first : first + _INFERENCE_ROWS] = inference.topic_weights(counts[first : first + _INFERENCE_ROWS])
    return weights


def _storage_description(documents: Documents) -> str:
    if not documents.streams:
        return "in memory"
    if documents.scratch_bytes:
        return f"streamed from a scratch file of {documents.scratch_bytes / (1 << 20):.0f} MB"
    return "streamed, parsed again each epoch as the temporary folder takes no scratch file of that size"


def _named(trained: Trained, test: EpochLoss | None) -> dict[str, EpochLoss]:
    losses = {"train": trained.train, "validation": trained.validation, "test": test}
    return {name: loss for name, loss in losses.items() if loss is not None}


def _parts(loss: EpochLoss) -> dict[str, float]:
    return {"total": loss.total, "reconstruction": loss.reconstruction, "kl": loss.kl}


def _ignore(_: EpochReport | Progress) -> None:
    """What a secondary instance does where the primary reports or saves."""
