"""Non-negative matrix factorisation of the TF-IDF matrix: the starting point of the decoder. NumPy and SciPy only.

Start: NNDSVD (Boutsidis and Gallopoulos 2008, doi:10.1016/j.patcog.2007.09.010), its zeros
filled with little noise. Updates:
hierarchical alternating least squares (Cichocki and Phan 2009, doi:10.1587/transfun.E92.A.708). Rows may be spread over
instances: only sums of (topics x words) and smaller are exchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from training_scripts.ntm.sums import Cluster

Matrix = npt.NDArray[np.float32]

ITERATIONS: Final = 25
_SUBSPACE_ITERATIONS: Final = 4
_OVERSAMPLING: Final = 10
_TINY: Final = 1e-9


def factorise(rows: csr_matrix, *, topics: int, seed: int, cluster: Cluster, iterations: int = ITERATIONS) -> Matrix:
    """Return the topics' word loadings H, shape (topics, words), of rows ~ W H with W, H >= 0; each row sums to 1.

    Args:
        rows: this instance's weighted documents, shape (documents, words), non-negative.
        topics: number of topics; more than the matrix has rank is allowed, the rest then start small and random.
        seed: of the randomised range finder; the same on every instance.
        cluster: adds over instances.
        iterations: sweeps over W and H.
    """
    columns = rows.T.tocsr()
    rng = np.random.default_rng(seed)
    weights, loadings = _nndsvd(rows, columns, topics, rng, cluster)
    for _ in range(iterations):
        _update(weights, (rows @ loadings.T).T, loadings @ loadings.T)
        gram = cluster.sum(weights @ weights.T)
        _update(loadings, cluster.sum(np.ascontiguousarray((columns @ weights.T).T)), gram)
    totals = loadings.sum(axis=1, keepdims=True)
    normalised: Matrix = (loadings / np.maximum(totals, _TINY)).astype(np.float32)
    return normalised


def _update(factor: npt.NDArray[np.floating], target: npt.NDArray[np.floating], gram: npt.NDArray[np.floating]) -> None:
    """One HALS sweep over the rows of `factor` (topics, n), in place."""
    for topic in range(factor.shape[0]):
        curvature = gram[topic, topic]
        if curvature > _TINY:
            step = (target[topic] - gram[topic] @ factor) / curvature
            np.maximum(factor[topic] + step, 0.0, out=factor[topic])


def _nndsvd(
    rows: csr_matrix, columns: csr_matrix, topics: int, rng: np.random.Generator, cluster: Cluster
) -> tuple[Matrix, Matrix]:
    words = rows.shape[1]
    rank = min(topics, words)
    basis = rng.standard_normal((words, min(words, rank + _OVERSAMPLING))).astype(np.float32)
    for _ in range(_SUBSPACE_ITERATIONS):
        basis, _ = np.linalg.qr(cluster.sum(columns @ (rows @ basis)))
    projected = rows @ basis
    eigenvalues, rotation = np.linalg.eigh(cluster.sum(projected.T @ projected).astype(np.float64))
    order = np.argsort(eigenvalues)[::-1][:rank]
    singular = np.sqrt(np.maximum(eigenvalues[order], _TINY))
    right = (basis @ rotation[:, order]).T
    left = (projected @ rotation[:, order]).T / singular[:, None]

    weights = np.zeros((topics, rows.shape[0]), dtype=np.float32)
    loadings = np.zeros((topics, words), dtype=np.float32)
    halves = np.stack([np.square(np.maximum(sign * left, 0)).sum(axis=1) for sign in (1, -1)])
    norms = np.sqrt(cluster.sum(np.asarray(halves, dtype=np.float64)))
    for topic in range(rank):
        signed = []
        for side, sign in enumerate((1, -1)):
            part = np.maximum(sign * right[topic], 0)
            signed.append((norms[side, topic] * np.linalg.norm(part), sign, side, part))
        size, sign, side, part = max(signed, key=lambda candidate: candidate[0])
        scale = np.sqrt(singular[topic] * size)
        loadings[topic] = scale * part / max(float(np.linalg.norm(part)), _TINY)
        weights[topic] = scale * np.maximum(sign * left[topic], 0) / max(float(norms[side, topic]), _TINY)
    # HALS revives zeros by itself: the fill only tells apart topics beyond the rank, so it is small.
    mean = float(loadings.mean())
    loadings += np.asarray(0.01 * mean * rng.random(loadings.shape), dtype=np.float32)
    return weights, loadings
