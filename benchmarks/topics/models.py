"""The models under test, each behind the same few methods. A library is imported by the model that needs it."""

# ruff: noqa: PLC0415 (a library is imported by the model that needs it; those of the peers have no types)

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from benchmarks.topics.corpora import Corpus
from training_scripts.hyperparameters import NtmHyperparameters, OpenNtmSwitches
from training_scripts.ntm.artifact import Artifact
from training_scripts.ntm.learning.training import Trained, Trainer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Matrix = npt.NDArray[np.floating]
Settings = dict[str, Any]
FLOOR = 1e-12
_ABOVE_ALL: Final = 1e3
LIBRARIES: Final = {
    "open NTM": "training_scripts.ntm.learning.training",
    "open NTM, adadelta": "training_scripts.ntm.learning.training",
    "plain NTM": "training_scripts.ntm.learning.training",
    "Gibbs LDA": "tomotopy",
    "NMF": "sklearn.decomposition",
    "batch LDA": "sklearn.decomposition",
    "online LDA": "gensim.models",
    "ProdLDA": "benchmarks.topics.prodlda",
}
"""What to import before a model's fit is timed."""


class Model(Protocol):
    """A topic model that has been fitted."""

    topics: Matrix
    """What ranks each topic's words, (topics, words)."""

    def weights(self, counts: csr_matrix) -> Matrix:
        """Return topic weights of unseen documents as a caller gets them, rows sum to 1."""
        ...

    def predicted(self, counts: csr_matrix) -> Matrix:
        """Return word probabilities of what is left of documents whose other half `counts` is."""
        ...


class Mixture:
    """What all peers but ProdLDA share: a document's words are a mixture of its topics'."""

    topics: Matrix

    def weights(self, counts: csr_matrix) -> Matrix:
        """Return topic weights of unseen documents."""
        raise NotImplementedError

    def predicted(self, counts: csr_matrix) -> Matrix:
        """Return weights times topics."""
        return self.weights(counts) @ self.topics

    def by_rule(self, counts: csr_matrix) -> Matrix:
        """Return `topics` with those words in front that our rule lists, by the training documents."""
        return by_rule(self, np.log(np.maximum(self.topics, FLOOR)), np.zeros(self.topics.shape[1]), counts)


class ServedNtm:
    """An artifact of ours behind the inference server's own code."""

    def __init__(self, artifact: Artifact) -> None:
        """Take a trained model."""
        from training_scripts.ntm.inference import NtmInference
        from training_scripts.ntm.topic_words import relevance

        self._logits, self._background = artifact.arrays["topics"], artifact.arrays["background"]
        self.topics = relevance(self._logits, self._background)
        self._inference = NtmInference(artifact)

    def weights(self, counts: csr_matrix) -> Matrix:
        """Return what the inference server would answer."""
        return np.asarray(self._inference.topic_weights(counts))

    def predicted(self, counts: csr_matrix) -> Matrix:
        """Return softmax(theta B + b), theta not sharpened."""
        theta = self._inference.topic_weights(counts, raw=True)
        return np.asarray(softmax(theta @ self._logits + self._background, axis=1))


class OpenNtm(ServedNtm):
    """Ours, trained as a job trains it: early stop on the validation part."""

    def __init__(self, corpus: Corpus, topics: int, seed: int, settings: Settings) -> None:
        """Fit."""
        from training_scripts.ntm.learning.training import Trainer
        from training_scripts.ntm.reading.documents import Documents
        from training_scripts.ntm.sums import Alone

        switches = {name: value for name, value in settings.items() if name in OpenNtmSwitches.model_fields}
        documented = {name: value for name, value in settings.items() if name not in switches}
        ntm = NtmHyperparameters.model_validate(
            {"num_topics": topics, "mini_batch_size": 128, "epochs": 100, "num_patience_epochs": 5, **documented}
        )
        open_switches = OpenNtmSwitches.model_validate({**switches, "seed": seed})
        train, validation = (
            Documents.load(partial(once, part.counts), feature_dim=len(corpus.words), max_memory_mb=512, seed=0)
            for part in (corpus.train, corpus.validation)
        )
        trainer = Trainer(ntm, open_switches, documents=train, validation=validation, cluster=Alone())
        trained = trainer.train(trainer.start(), report=lambda _: None, save=lambda _: None, interrupted=lambda: False)
        self.epochs = trained.epochs
        super().__init__(_artifact(trained, trainer, ntm, len(corpus.words), open_switches))
        share = open_switches.coherence_unseen_share
        self.topics = by_rule(self, self._logits, self._background, corpus.train.counts, unseen_share=share)


def by_rule(
    model: Model, logits: Matrix, background: Matrix, counts: csr_matrix, *, unseen_share: float | None = None
) -> Matrix:
    """Return a model's `topics` with those words in front that a job of ours would list.

    Args:
        model: its `topics` and its weights of training documents are read.
        logits: of each topic's distribution over words, (topics, words).
        background: added to them, (words,).
        counts: the training documents.
        unseen_share: of the rule; None takes the default.
    """
    from training_scripts.ntm.coherence import Cooccurrence
    from training_scripts.ntm.sums import Alone
    from training_scripts.ntm.topic_words import OwnDocuments, name

    share = OpenNtmSwitches().coherence_unseen_share if unseen_share is None else unseen_share
    weights = np.asarray(model.weights(counts), np.float32)
    own = OwnDocuments(counts, weights, Cooccurrence(counts, cluster=Alone()), Alone())
    named = name(logits.astype(np.float32), background.astype(np.float32), own, unseen_share=share)
    ranked = model.topics.astype(np.float32)
    np.put_along_axis(ranked, named.ids, named.scores.astype(np.float32) + _ABOVE_ALL, axis=1)
    return ranked


def once(counts: csr_matrix) -> Iterator[csr_matrix]:
    """Return a pass over documents in memory."""
    yield counts


def _artifact(
    trained: Trained, trainer: Trainer, ntm: NtmHyperparameters, words: int, switches: OpenNtmSwitches
) -> Artifact:
    from training_scripts.ntm.artifact import Artifact

    arrays = {**trained.params, **trained.averages, **({} if trainer.idf is None else {"idf": trainer.idf})}
    encoder = {
        "layers": list(ntm.layer_sizes),
        "activation": ntm.encoder_layers_activation,
        "batch_norm": ntm.batch_norm,
        "input_weighting": switches.input_weighting,
    }
    document = {"encoder": encoder, "feature_dim": words, "num_topics": ntm.num_topics}
    return Artifact(arrays, {**document, "weight_exponent": switches.weight_exponent})


class GibbsLda(Mixture):
    """Latent Dirichlet allocation by collapsed Gibbs sampling: tomotopy."""

    def __init__(self, corpus: Corpus, topics: int, seed: int, settings: Settings) -> None:
        """Fit; inference of unseen documents samples 100 iterations, the library's own default."""
        import tomotopy  # type: ignore[import-not-found]

        settings = {"iterations": 1000, "alpha": 0.1, "eta": 0.01, **settings}
        self._words = corpus.words
        self._model = tomotopy.LDAModel(k=topics, alpha=settings["alpha"], eta=settings["eta"], seed=seed)
        for tokens in self._tokens(corpus.train.counts):
            self._model.add_doc(tokens)
        self._model.train(settings["iterations"], workers=1)
        ids = {word: number for number, word in enumerate(corpus.words)}
        columns = [ids[word] for word in self._model.used_vocabs]
        self.topics = np.full((topics, len(corpus.words)), FLOOR)
        for topic in range(topics):
            self.topics[topic, columns] = self._model.get_topic_word_dist(topic)

    def weights(self, counts: csr_matrix) -> Matrix:
        """Return the mean topic proportions of sampled assignments."""
        documents = [self._model.make_doc(tokens) for tokens in self._tokens(counts)]
        return np.array(self._model.infer(documents, iterations=100, workers=1)[0])

    def _tokens(self, counts: csr_matrix) -> list[list[str]]:
        repeated = np.repeat(counts.indices, counts.data.astype(np.int64))
        ends = np.concatenate([[0], np.cumsum(counts.data.astype(np.int64))])[counts.indptr]
        return [[self._words[word] for word in repeated[first:last]] for first, last in itertools.pairwise(ends)]


class Nmf(Mixture):
    """Non-negative matrix factorisation of TF-IDF: scikit-learn."""

    def __init__(self, corpus: Corpus, topics: int, seed: int, settings: Settings) -> None:
        """Fit."""
        from sklearn.decomposition import NMF
        from sklearn.feature_extraction.text import TfidfTransformer

        settings = {"init": "nndsvda", "max_iter": 300, **settings}
        self._tfidf = TfidfTransformer(sublinear_tf=settings.pop("sublinear_tf", False))
        self._model = NMF(topics, random_state=seed, **settings)
        self._model.fit(self._tfidf.fit_transform(corpus.train.counts))
        self.topics = _rows_to_one(self._model.components_)
        # In the space of counts, for perplexity: a loading holds the word's idf.
        self._words_of = _rows_to_one(self._model.components_ / self._tfidf.idf_)

    def weights(self, counts: csr_matrix) -> Matrix:
        """Return the normalised factor."""
        return _rows_to_one(self._model.transform(self._tfidf.transform(counts)))

    def predicted(self, counts: csr_matrix) -> Matrix:
        """Return weights times topics, idf taken out."""
        return np.asarray(self.weights(counts) @ self._words_of)


class BatchLda(Mixture):
    """Latent Dirichlet allocation by batch variational Bayes: scikit-learn."""

    def __init__(self, corpus: Corpus, topics: int, seed: int, settings: Settings) -> None:
        """Fit."""
        from sklearn.decomposition import LatentDirichletAllocation

        settings = {"max_iter": 20, **settings}
        self._model = LatentDirichletAllocation(topics, learning_method="batch", random_state=seed, **settings)
        self._model.fit(corpus.train.counts)
        self.topics = _rows_to_one(self._model.components_)

    def weights(self, counts: csr_matrix) -> Matrix:
        """Return the normalised variational posterior."""
        return np.asarray(self._model.transform(counts))


class OnlineLda(Mixture):
    """Latent Dirichlet allocation by online variational Bayes: gensim's LdaMulticore with one worker's thread."""

    def __init__(self, corpus: Corpus, topics: int, seed: int, settings: Settings) -> None:
        """Fit."""
        from gensim.matutils import Sparse2Corpus  # type: ignore[import-not-found]
        from gensim.models import LdaModel  # type: ignore[import-not-found]

        settings = {"passes": 10, **settings}
        self._view = Sparse2Corpus
        self._topics = topics
        names = dict(enumerate(corpus.words))
        self._model = LdaModel(
            Sparse2Corpus(corpus.train.counts, documents_columns=False),
            id2word=names,
            num_topics=topics,
            random_state=seed,
            minimum_probability=0.0,
            eval_every=None,
            **settings,
        )
        self.topics = self._model.get_topics()

    def weights(self, counts: csr_matrix) -> Matrix:
        """Return the normalised variational posterior."""
        gamma, _ = self._model.inference(list(self._view(counts, documents_columns=False)))
        return _rows_to_one(gamma)


def _rows_to_one(matrix: Matrix) -> Matrix:
    floored = matrix + FLOOR
    return np.asarray(floored / floored.sum(axis=1, keepdims=True))
