"""The map of topic vectors against scikit-learn's TSNE: `python benchmarks/topic_map.py VECTORS.parquet`.

Prints seconds, those of processor time (which other programs on the machine change less), and trustworthiness (Venna
and Kaski 2001) of both, computed in the same run on the same vectors; the trustworthiness is that of the same random
sample of documents, since it takes the square of their number.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from sklearn.manifold import TSNE, trustworthiness

sys.path.insert(0, str(Path(__file__).parent.parent))

from explore.map import PERPLEXITY, map_of
from explore.vectors import load_topic_vectors
from training_scripts.corpus.progress import Progress

SAMPLE = 6000
NEIGHBOURS = 12


def main(file: Path) -> None:
    """Run both and print what they took."""
    vectors = load_topic_vectors(file)
    roots = np.sqrt(vectors.weights)
    sample = np.random.default_rng(0).permutation(roots.shape[0])[:SAMPLE]

    def ours() -> np.ndarray:
        return map_of(vectors.weights, method="tsne", seed=0, progress=Progress("map"))

    def theirs() -> np.ndarray:
        return np.asarray(TSNE(perplexity=PERPLEXITY, random_state=0, n_jobs=-1).fit_transform(roots))

    seconds: dict[str, float] = {}
    processor: dict[str, float] = {}
    trust: dict[str, float] = {}
    for name, draw in (("explore.map", ours), ("scikit-learn", theirs)):
        started, used = time.perf_counter(), time.process_time()
        positions = draw()
        seconds[name], processor[name] = time.perf_counter() - started, time.process_time() - used
        trust[name] = trustworthiness(roots[sample], positions[sample], n_neighbors=NEIGHBOURS)
        took = f"{seconds[name]:6.1f} s, {processor[name]:6.1f} s of processor time"
        print(f"{name:<13} {took}, trustworthiness {trust[name]:.4f}", flush=True)
    print(
        f"{roots.shape[0]:,} documents, {roots.shape[1]} topics: "
        f"{seconds['explore.map'] / seconds['scikit-learn']:.2f} of the time, "
        f"{processor['explore.map'] / processor['scikit-learn']:.2f} of the processor time"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
