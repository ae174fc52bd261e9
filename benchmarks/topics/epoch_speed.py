"""An epoch of ours against a plain PyTorch loop: `python -m benchmarks.topics.epoch_speed`, one thread each.

The loop is what one would write: the same model (without the coherence term), documents as dense rows from a
DataLoader, torch.optim.Adam. PyTorch is in requirements/bench-torch.in, apart: it is large, and only this needs it;
where it is not installed, ours is measured alone. Before it: CPU seconds and peak memory of whole training jobs of 20
epochs, import and compilation included.
"""

# ruff: noqa: PLC0415 (the thread counts must be set before any library is imported)

from __future__ import annotations

import os

from training_scripts import one_thread

os.environ.update(one_thread.ENVIRONMENT)

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from benchmarks import training_jobs
from benchmarks.topics import corpora, models
from training_scripts.hyperparameters import AUTO_ENCODER_LAYERS, NtmHyperparameters, OpenNtmSwitches

TOPICS: Final = 30
BATCH: Final = 128
RATE: Final = 5e-3
EPOCHS: Final = 7
JOB_EPOCHS: Final = 20
_OUTPUT: Final = Path("docs/benchmarks/speed.json")
_OURS_ALONE: Final = Path("build/bench/speed.json")


def torch_epoch(corpus: corpora.Corpus) -> Callable[[], None]:
    """Return a function that trains the same model for one epoch, as one would write it in PyTorch."""
    import torch  # type: ignore[import-not-found]
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset  # type: ignore[import-not-found]

    torch.set_num_threads(1)
    torch.manual_seed(0)
    counts = torch.from_numpy(corpus.train.counts.toarray().astype(np.float32))
    documents, words = counts.shape
    idf = torch.log((1 + documents) / (1 + (counts > 0).sum(dim=0))) + 1
    first, width = (times * TOPICS for times in AUTO_ENCODER_LAYERS)
    encoder = nn.Sequential(nn.Linear(words, first), nn.Sigmoid(), nn.Linear(first, width), nn.Sigmoid())
    mu_head, spread_head, decoder = nn.Linear(width, TOPICS), nn.Linear(width, TOPICS), nn.Linear(TOPICS, words)
    layers = nn.ModuleList([encoder, mu_head, spread_head, decoder])
    optimizer = torch.optim.Adam(layers.parameters(), lr=RATE)
    loader = DataLoader(TensorDataset(counts), batch_size=BATCH, shuffle=True)

    def run() -> None:
        for (batch,) in loader:
            weighted = 8 * nn.functional.normalize(torch.log1p(batch) * idf)
            hidden = encoder(weighted)
            mu, spread = mu_head(hidden), spread_head(hidden).clamp(-8, 4)
            theta = torch.softmax(mu + torch.exp(spread / 2) * torch.randn_like(mu), dim=1)
            reconstruction = -(batch * torch.log_softmax(decoder(theta), dim=1)).sum(dim=1)
            divergence = 0.5 * (mu**2 + spread.exp() - 1 - spread).sum(dim=1)
            loss = (reconstruction + divergence).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


def interleaved(corpus: corpora.Corpus) -> dict[str, Any]:
    """Run EPOCHS epochs of each in turn; returns CPU seconds an epoch, the first of each (compilation) left out.

    Without PyTorch, ours alone, and no ratio.
    """
    from training_scripts.ntm.learning.training import EpochReport, Trainer
    from training_scripts.ntm.reading.documents import Documents
    from training_scripts.ntm.sums import Alone

    ntm = NtmHyperparameters(
        num_topics=TOPICS,
        mini_batch_size=BATCH,
        optimizer="adam",
        learning_rate=RATE,
        epochs=EPOCHS + 1,
        num_patience_epochs=EPOCHS + 2,
    )
    documents = Documents.load(
        partial(models.once, corpus.train.counts), feature_dim=len(corpus.words), max_memory_mb=512, seed=0
    )
    trainer = Trainer(ntm, OpenNtmSwitches(), documents=documents, validation=None, cluster=Alone())
    theirs = torch_epoch(corpus) if find_spec("torch") else None
    seconds: dict[str, list[float]] = {"ours": [], "pytorch": []}
    clock = time.process_time()

    def after_an_epoch(_: EpochReport) -> None:
        nonlocal clock
        seconds["ours"].append(time.process_time() - clock)
        clock = time.process_time()
        if theirs is None:
            return
        theirs()
        seconds["pytorch"].append(time.process_time() - clock)
        clock = time.process_time()

    trainer.train(trainer.start(), report=after_an_epoch, save=lambda _: None, interrupted=lambda: False)
    kept = {name: values[1:] for name, values in seconds.items() if values}
    if theirs is None:
        print("PyTorch is not installed (requirements/bench-torch.in): ours is measured alone", file=sys.stderr)
        return {"cpu_s_an_epoch": kept}
    return {"cpu_s_an_epoch": kept, "ratio": median(kept["pytorch"]) / median(kept["ours"])}


def whole_job(corpus: corpora.Corpus) -> dict[str, Any]:
    """Run a job of JOB_EPOCHS epochs with nothing compiled beforehand; returns its CPU seconds and peak memory."""
    with tempfile.TemporaryDirectory(dir="build") as folder:
        root = Path(folder)
        channels = ("train", "validation", "auxiliary")
        for channel in channels:
            shutil.copytree(corpus.folder / channel, root / "input" / "data" / channel)
        settings = {"feature_dim": len(corpus.words), "num_topics": TOPICS, "mini_batch_size": BATCH}
        settings |= {"epochs": JOB_EPOCHS, "num_patience_epochs": JOB_EPOCHS + 1}
        process = subprocess.Popen(
            training_jobs.configure(root, settings, channels),
            stdout=subprocess.DEVNULL,
            env={**os.environ, "JAX_COMPILATION_CACHE_DIR": str(root / "cache")},
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError(f"the job of {JOB_EPOCHS} epochs failed with status {status}")
    return {"cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / 1024}


def main() -> int:
    """Measure both on 20 Newsgroups; writes docs/benchmarks/speed.json, or build/bench/speed.json without PyTorch."""
    argparse.ArgumentParser(prog="python -m benchmarks.topics.epoch_speed", description=__doc__).parse_args()
    corpora.prepare("20newsgroups")
    corpus = corpora.load("20newsgroups")
    jobs = [whole_job(corpus) for _ in range(3)]
    timings = {"job_of_20_epochs": jobs, **interleaved(corpus)}
    print(json.dumps(timings, indent=1))
    # What lacks PyTorch's side does not take the place of what has it.
    output = _OUTPUT if "ratio" in timings else _OURS_ALONE
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(timings, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
