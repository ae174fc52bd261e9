"""The loss of documents that are not trained on. In NumPy: XLA takes a second to compile what runs in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from scipy.special import softmax

from training_scripts.ntm.artifact import Artifact
from training_scripts.ntm.inference import NtmInference
from training_scripts.ntm.learning.architecture import LOG_VARIANCE_RANGE

if TYPE_CHECKING:
    import numpy.typing as npt
    from scipy.sparse import csr_matrix

    from training_scripts.ntm.learning.architecture import Architecture, HostTree

_MOST_LOGITS: Final = 1 << 21
"""Logits that are held at a time: 8 MB."""
EVALUATION_SEED: Final = 0
"""One draw of noise for all evaluations, so that two epochs' losses differ by the model and not by luck."""
LOSS_FORMULA: Final = "open-ntm-1"
"""Names what `Evaluation` computes. A change by which the same model gets another loss of the same documents, beyond
the last digits, needs another name here: losses are compared by it."""


def loss_definition(architecture: Architecture) -> str:
    """Return what a loss measures: two compare only where this, the documents and the vocabulary are the same.

    How a model was trained is no part of it, nor how many topics it has, but prior and weight may go by their number.
    """
    words, variance = architecture.document_weight_words, architecture.prior_variance
    # A whole KL divergence is what was measured before there was a weight, and has the name of then.
    weight = "" if architecture.kl_weight == 1 else f" kl_weight={architecture.kl_weight}"
    return f"{LOSS_FORMULA} document_weight_words={words} prior_variance={variance}{weight}"


class LossSums(NamedTuple):
    """Sums over documents, in nats."""

    reconstruction: float
    kl: float


class Evaluation:
    """The loss of documents under one state of the model."""

    def __init__(
        self, architecture: Architecture, params: HostTree, averages: HostTree, idf: npt.NDArray[np.float32] | None
    ) -> None:
        """Take the parameters and, where the encoder sees TF-IDF, the idf."""
        self.inference = NtmInference(
            Artifact(
                {**params, **averages, **({} if idf is None else {"idf": idf})},
                {
                    "encoder": architecture.described("counts" if idf is None else "tfidf"),
                    "feature_dim": params["topics"].shape[1],
                    "num_topics": params["topics"].shape[0],
                },
            )
        )
        self._architecture = architecture
        self._topics, self._background = params["topics"], params["background"]

    def losses(self, counts: csr_matrix, rng: np.random.Generator) -> LossSums:
        """Return the sums over the documents of reconstruction loss and KL divergence, both weighted.

        Args:
            counts: shape (documents, feature_dim).
            rng: draws one standard normal a document and topic, in the order of the documents.
        """
        reconstruction = kl = 0.0
        rows = max(_MOST_LOGITS // counts.shape[1], 1)
        for first in range(0, counts.shape[0], rows):
            block = counts[first : first + rows]
            mu, log_variance = self.inference.posterior(block)
            if self._architecture.clamp_log_variance:
                log_variance = np.clip(log_variance, *LOG_VARIANCE_RANGE)
            # exp of a large log-variance is infinite, and so is the loss: the caller says that training diverged.
            with np.errstate(over="ignore", invalid="ignore"):
                variance = np.exp(log_variance)
                noise = rng.standard_normal(mu.shape, dtype=np.float32)
                theta = softmax(mu + np.sqrt(variance) * noise, axis=1)
                logits = theta @ self._topics + self._background
                prior = self._architecture.prior_variance
                divergence = (mu * mu + variance) / prior - 1.0 - log_variance + np.log(prior)
                kl += 0.5 * float(divergence.sum(dtype=np.float64))
                normalisers = _log_of_summed_exp(logits)
            entries = block.tocoo()
            lengths = np.asarray(block.sum(axis=1)).ravel()
            weights = np.ones_like(lengths)
            if most := self._architecture.document_weight_words:
                weights = most / np.maximum(lengths, most)
            reconstruction += float((lengths * weights) @ normalisers)
            chosen = logits[entries.row, entries.col] * entries.data * weights[entries.row]
            reconstruction -= float(chosen.sum(dtype=np.float64))
        return LossSums(reconstruction, self._architecture.kl_weight * kl)


def _log_of_summed_exp(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    # In two passes over the logits: scipy's takes many, and this is most of what an evaluation costs.
    highest = logits.max(axis=1)
    return np.asarray(highest + np.log(np.exp(logits - highest[:, None]).sum(axis=1)))
