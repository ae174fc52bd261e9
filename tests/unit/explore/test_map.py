from __future__ import annotations

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from explore import map as maps
from explore.errors import ExploreError
from explore.map import map_of
from training_scripts.corpus.progress import Progress

QUIET = Progress("test")


def weights(documents: int = 120, topics: int = 6) -> np.ndarray:
    """Documents of one strong topic each."""
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.full(topics, 0.2), documents)
    rows[np.arange(documents), np.arange(documents) % topics] += 2
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), dtype=np.float32)


@pytest.mark.parametrize("method", ["tsne", pytest.param("umap", marks=pytest.mark.slow)])
def test_documents_of_like_topics_lie_together(method: maps.Method) -> None:
    found = map_of(weights(), method=method, seed=0, progress=QUIET)

    assert found.dtype == np.float32
    assert found.shape == (120, 2)
    assert trustworthiness(np.sqrt(weights()), found, n_neighbors=12) > 0.9


@pytest.mark.parametrize("method", ["tsne", pytest.param("umap", marks=pytest.mark.slow)])
def test_the_same_seed_gives_the_same_map(method: maps.Method) -> None:
    one, other = (map_of(weights(), method=method, seed=3, progress=QUIET) for _ in range(2))

    np.testing.assert_array_equal(one, other)


def test_few_documents_still_have_a_map() -> None:
    assert np.isfinite(map_of(weights(10), method="tsne", seed=0, progress=QUIET)).all()


def test_too_few_documents_are_refused() -> None:
    with pytest.raises(ExploreError, match="9 documents with topics, and a map needs at least 10"):
        map_of(weights(9), method="tsne", seed=0, progress=QUIET)


def test_documents_that_are_all_alike_have_a_map_too() -> None:
    alike = np.full((40, 4), 0.25, dtype=np.float32)

    assert np.isfinite(map_of(alike, method="tsne", seed=0, progress=QUIET)).all()
