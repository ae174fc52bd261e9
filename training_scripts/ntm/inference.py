"""Topic weights of documents, from the artifact alone. NumPy and SciPy: what the server runs."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from training_scripts.ntm.artifact import Arrays, Artifact, ArtifactError
from training_scripts.ntm.weighting import weigh

Matrix = npt.NDArray[np.float32]

BATCH_NORM_EPSILON: Final = 1e-5
"""The trainer's, held equal by a test: this module must not import JAX."""


class NtmInference:
    """The encoder: counts in, topic weights theta = softmax(mu) out."""

    def __init__(self, artifact: Artifact) -> None:
        """Take the parameters.

        Raises:
            ArtifactError: the arrays do not fit the model's own description.
        """
        encoder = artifact.document["encoder"]
        self.feature_dim: int = artifact.document["feature_dim"]
        self.num_topics: int = artifact.document["num_topics"]
        self._layers = len(encoder["layers"])
        self._activation: str = encoder["activation"]
        self._batch_norm: bool = encoder["batch_norm"]
        self._arrays: Arrays = artifact.arrays
        self._idf = artifact.arrays["idf"] if encoder["input_weighting"] == "tfidf" else None
        first, topics = artifact.arrays["encoder_0_weight"], artifact.arrays["topics"]
        if first.shape[0] != self.feature_dim or topics.shape != (self.num_topics, self.feature_dim):
            raise ArtifactError(
                f"params.npz holds {topics.shape[0]} topics over {first.shape[0]} words, "
                f"where model.json says {self.num_topics} over {self.feature_dim}"
            )

    def topic_weights(self, counts: csr_matrix) -> Matrix:
        """Return each document's topic weights, shape (documents, topics); each row sums to 1.

        Args:
            counts: shape (documents, feature_dim), non-negative.
        """
        mu = self._mu(self._hidden(counts))
        mu -= mu.max(axis=1, keepdims=True)
        weights = np.exp(mu)
        weights /= weights.sum(axis=1, keepdims=True)
        return np.asarray(weights, dtype=np.float32)

    def posterior(self, counts: csr_matrix) -> tuple[Matrix, Matrix]:
        """Return mean and log-variance of each document's z, both (documents, topics), not clamped."""
        hidden = self._hidden(counts)
        spread = hidden @ self._arrays["log_variance_weight"] + self._arrays["log_variance_bias"]
        return self._mu(hidden), np.asarray(spread, dtype=np.float32)

    def _mu(self, hidden: Matrix) -> Matrix:
        return np.asarray(hidden @ self._arrays["mu_weight"] + self._arrays["mu_bias"], dtype=np.float32)

    def _hidden(self, counts: csr_matrix) -> Matrix:
        arrays = self._arrays
        inputs = csr_matrix((weigh(counts, self._idf), counts.indices, counts.indptr), shape=counts.shape)
        hidden = inputs @ arrays["encoder_0_weight"] + arrays["encoder_0_bias"]
        for layer in range(self._layers):
            if layer:
                hidden = hidden @ arrays[f"encoder_{layer}_weight"] + arrays[f"encoder_{layer}_bias"]
            if self._batch_norm:
                hidden = self._normalised(layer, hidden)
            hidden = _activated(self._activation, hidden)
        return np.asarray(hidden, dtype=np.float32)

    def _normalised(self, layer: int, hidden: Matrix) -> Matrix:
        name = f"encoder_{layer}"
        arrays = self._arrays
        deviation = np.sqrt(arrays[f"{name}_variance"] + np.float32(BATCH_NORM_EPSILON))
        scaled = (hidden - arrays[f"{name}_mean"]) / deviation
        return np.asarray(scaled * arrays[f"{name}_gamma"] + arrays[f"{name}_beta"], dtype=np.float32)


def _activated(activation: str, hidden: Matrix) -> Matrix:
    if activation == "tanh":
        return np.tanh(hidden)
    if activation == "relu":
        return np.maximum(hidden, 0)
    # exp of a large number overflows to infinity, and 1 / infinity is the right answer.
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-hidden)), dtype=np.float32)
