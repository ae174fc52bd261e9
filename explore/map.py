"""Two-dimensional maps of topic vectors: documents of like topics lie together.

t-SNE (van der Maaten and Hinton 2008) by openTSNE, whose gradient is interpolated on a grid (Linderman et al. 2019,
Fast interpolation-based t-SNE), or UMAP (McInnes, Healy and Melville 2018). Both work on the square roots of the topic
weights: their Euclidean distance is, up to a factor, the Hellinger distance of the documents' topic distributions.
"""

from __future__ import annotations

import warnings
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from explore.errors import ExploreError
from explore.vectors import Matrix
from training_scripts.corpus.progress import Progress

Method = Literal["tsne", "umap"]
METHODS: Final[tuple[Method, ...]] = get_args(Method)
Positions = npt.NDArray[np.float32]

PERPLEXITY: Final = 50.0
"""The tutorial's."""
NEIGHBOURS: Final = 15
"""UMAP's own default."""
FEWEST_DOCUMENTS: Final = 10
_DEGREES_OF_FREEDOM: Final = 0.8
"""Of the map's kernel, Student's t: a little heavier in the tails than t-SNE's own 1, which keeps near documents nearer
(Kobak et al. 2020, Heavy-tailed kernels reveal a finer cluster structure in t-SNE visualisations). Its trustworthiness
is compared with scikit-learn's by `benchmarks/topic_map.py`."""
_EXAGGERATED, _PLAIN = 200, 250
"""Iterations. On 18,554 documents of 30 topics even 100 and 250 gave the trustworthiness of 250 and 350, to 0.0002."""
_EXACT_UP_TO: Final = 50_000
"""Documents up to which neighbours are looked for exactly, which is quicker than to make an index for them."""
_TOLD_EVERY: Final = 10
_GRID_PAYS_FROM: Final = 10_000
"""Documents below which a tree is as quick as the grid, and one thread quicker than several that wait for another."""


def map_of(
    weights: Matrix, *, method: Method, seed: int, progress: Progress, perplexity: float = PERPLEXITY
) -> Positions:
    """Return a position for each document, float32, shape (documents, 2), centred, the same for the same seed.

    Args:
        weights: topic weights, shape (documents, topics).
        method: t-SNE or UMAP.
        seed: of everything random.
        progress: told of each stage.
        perplexity: t-SNE's; lowered where there are fewer than three times as many documents.

    Raises:
        ExploreError: there are too few documents for a map.
    """
    documents = weights.shape[0]
    if documents < FEWEST_DOCUMENTS:
        raise ExploreError(f"there are {documents} documents with topics, and a map needs at least {FEWEST_DOCUMENTS}")
    roots = np.sqrt(weights)
    if method == "umap":
        positions = _umap(roots, seed, progress)
    else:
        positions = _tsne(roots, min(perplexity, (documents - 1) / 3), seed, progress)
    return np.asarray(positions - positions.mean(axis=0), dtype=np.float32)


def _tsne(roots: Matrix, perplexity: float, seed: int, progress: Progress) -> Positions:
    from openTSNE import TSNE  # noqa: PLC0415 -- a second, which only those who draw a map pay

    done = 0

    def told(_iteration: int, _divergence: float, _embedding: object) -> None:
        nonlocal done
        done += _TOLD_EVERY
        progress.tell(f"t-SNE of {roots.shape[0]:,} documents, {done} of {_EXAGGERATED + _PLAIN} iterations")

    progress.tell(f"t-SNE of {roots.shape[0]:,} documents, looking for neighbours")
    many = roots.shape[0] >= _GRID_PAYS_FROM
    tsne = TSNE(
        perplexity=perplexity,
        dof=_DEGREES_OF_FREEDOM,
        early_exaggeration_iter=_EXAGGERATED,
        n_iter=_PLAIN,
        neighbors="exact" if roots.shape[0] <= _EXACT_UP_TO else "auto",
        # Documents that are all alike have no principal components to start from.
        initialization="pca" if np.ptp(roots, axis=0).any() else "random",
        negative_gradient_method="fft" if many else "bh",
        n_jobs=-1 if many else 1,
        random_state=seed,
        callbacks=told,
        callbacks_every_iters=_TOLD_EVERY,
    )
    return np.asarray(tsne.fit(roots), dtype=np.float32)


def _umap(roots: Matrix, seed: int, progress: Progress) -> Positions:
    try:
        from umap import UMAP  # noqa: PLC0415 -- seconds, and compiled on first use
    except ImportError:
        raise ExploreError("the map umap needs umap-learn: pip install -r requirements/explore.txt") from None
    progress.tell(f"UMAP of {roots.shape[0]:,} documents")
    with warnings.catch_warnings():
        # That a seed costs the second thread is known and wanted.
        warnings.filterwarnings("ignore", message="n_jobs value")
        found = UMAP(n_neighbors=min(NEIGHBOURS, roots.shape[0] - 1), random_state=seed).fit_transform(roots)
    return np.asarray(found, dtype=np.float32)
