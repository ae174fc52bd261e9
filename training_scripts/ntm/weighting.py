"""What the encoder sees of a document. The trainer and the server both compute it here. NumPy and SciPy only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

INPUT_NORM = 8.0
"""Length of a weighted document: at 1 the first layer starts so flat that its units all answer alike."""

Vector = npt.NDArray[np.float32]


def inverse_document_frequency(document_frequency: npt.NDArray[np.floating], documents: int) -> Vector:
    """Return ln((1 + documents) / (1 + document_frequency)) + 1, the smoothed form; shape (feature_dim,)."""
    return np.asarray(np.log((1.0 + documents) / (1.0 + document_frequency)) + 1.0, dtype=np.float32)


def weigh(counts: csr_matrix, idf: Vector | None) -> Vector:
    """Return the encoder's input for each non-zero of `counts`, in the order of `counts.data`.

    Args:
        counts: shape (documents, feature_dim).
        idf: shape (feature_dim,). Each row becomes log1p(count) * idf, scaled to length INPUT_NORM. None: raw counts.
    """
    values = np.asarray(counts.data, dtype=np.float32)
    if idf is None:
        return values
    weighted: Vector = np.log1p(values) * idf[counts.indices]
    nonzeros = np.diff(counts.indptr)
    filled = np.flatnonzero(nonzeros)
    norms = np.zeros(counts.shape[0], dtype=np.float32)
    if filled.size:
        # reduceat takes empty rows for their successor's first value, hence the detour over the filled ones.
        norms[filled] = np.sqrt(np.add.reduceat(weighted * weighted, counts.indptr[:-1][filled]))
    scale = np.divide(INPUT_NORM, norms, out=np.zeros_like(norms), where=norms > 0)
    return np.asarray(weighted * np.repeat(scale, nonzeros), dtype=np.float32)
