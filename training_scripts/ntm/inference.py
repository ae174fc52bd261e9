"""Topic weights of documents, from the artifact alone. NumPy and SciPy: what the server runs."""

from __future__ import annotations

import itertools
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from training_scripts.ntm.artifact import Arrays, Artifact, ArtifactError
from training_scripts.ntm.weighting import weigh

Matrix = npt.NDArray[np.float32]

BATCH_NORM_EPSILON: Final = 1e-5
"""The trainer's, held equal by a test: this module must not import JAX."""


WEIGHT_EXPONENT: Final = "weight_exponent"
"""In model.json: the power to which topic weights are raised before they are served. A model without it has 1."""
MOST_WEIGHT_EXPONENT: Final = 4

_ENCODER: Final[dict[str, tuple[object, ...]]] = {
    "activation": ("sigmoid", "tanh", "relu"),
    "batch_norm": (False, True),
    "input_weighting": ("counts", "tfidf"),
}


class NtmInference:
    """The encoder: counts in, topic weights theta = softmax(mu) out."""

    def __init__(self, artifact: Artifact) -> None:
        """Take the parameters.

        Raises:
            ArtifactError: the model has no encoder, or the arrays do not fit its own description.
        """
        self.feature_dim: int = artifact.document["feature_dim"]
        self.num_topics: int = artifact.document["num_topics"]
        encoder = _checked_encoder(artifact.document.get("encoder"))
        for name, shape in _shapes(encoder, self.feature_dim, self.num_topics).items():
            array = artifact.arrays.get(name)
            if array is None and name == "background":
                # No part of the encoder: a model that is only served may be without.
                continue
            if array is None or array.shape != shape:
                has = "is missing" if array is None else f"has shape {array.shape}"
                raise ArtifactError(f"array {name!r} of params.npz {has}, where model.json asks for {shape}")
            if name.endswith("_variance") and name != "log_variance" and (array < 0).any():
                raise ArtifactError(f"array {name!r} of params.npz has a variance below 0")
        self._layers = len(encoder["layers"])
        self._activation: str = encoder["activation"]
        self._batch_norm: bool = encoder["batch_norm"]
        self._arrays: Arrays = artifact.arrays
        self._exponent = np.float32(_checked_exponent(artifact.document.get(WEIGHT_EXPONENT, 1.0)))
        self._idf = artifact.arrays["idf"] if encoder["input_weighting"] == "tfidf" else None

    def topic_weights(self, counts: csr_matrix, *, raw: bool = False) -> Matrix:
        """Return each document's topic weights, shape (documents, topics); each row sums to 1.

        Args:
            counts: shape (documents, feature_dim), non-negative.
            raw: theta itself, by which the decoder predicts words, and not raised to the model's `weight_exponent`.
        """
        mu = self._mu(self._hidden(counts))
        if not raw:
            mu *= self._exponent
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


def _checked_exponent(value: object) -> float:
    if not isinstance(value, float | int) or isinstance(value, bool) or not 1 <= value <= MOST_WEIGHT_EXPONENT:
        raise ArtifactError(
            f"model.json has a {WEIGHT_EXPONENT} of {str(value)[:40]!r}, where 1 to {MOST_WEIGHT_EXPONENT} is allowed"
        )
    return float(value)


def _checked_encoder(encoder: object) -> dict[str, Any]:
    """Return model.json's description of the encoder.

    Raises:
        ArtifactError: it is none that this computes.
    """
    if not isinstance(encoder, dict):
        raise ArtifactError("model.json describes no encoder: the model cannot be served")
    layers = encoder.get("layers")
    if not isinstance(layers, list) or not layers or any(type(width) is not int or width < 1 for width in layers):
        raise ArtifactError("model.json's encoder has no layers, or one that is no width of 1 or more")
    for key, allowed in _ENCODER.items():
        if encoder.get(key) not in allowed or type(encoder.get(key)) is not type(allowed[0]):
            raise ArtifactError(f"model.json's encoder has {key} {str(encoder.get(key))[:40]!r}, not one of {allowed}")
    return encoder


def _shapes(encoder: dict[str, Any], feature_dim: int, num_topics: int) -> dict[str, tuple[int, ...]]:
    """Return the shape that each array of the model must have."""
    widths = [feature_dim, *encoder["layers"]]
    shapes: dict[str, tuple[int, ...]] = {}
    for layer, (before, width) in enumerate(itertools.pairwise(widths)):
        name = f"encoder_{layer}"
        shapes |= {f"{name}_weight": (before, width), f"{name}_bias": (width,)}
        if encoder["batch_norm"]:
            shapes |= {f"{name}_{part}": (width,) for part in ("gamma", "beta", "mean", "variance")}
    shapes |= {"mu_weight": (widths[-1], num_topics), "mu_bias": (num_topics,)}
    if encoder["input_weighting"] == "tfidf":
        shapes["idf"] = (feature_dim,)
    return {**shapes, "topics": (num_topics, feature_dim), "background": (feature_dim,)}


def _activated(activation: str, hidden: Matrix) -> Matrix:
    if activation == "tanh":
        return np.tanh(hidden)
    if activation == "relu":
        return np.maximum(hidden, 0)
    # exp of a large number overflows to infinity, and 1 / infinity is the right answer.
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-hidden)), dtype=np.float32)
