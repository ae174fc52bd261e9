"""Fit the models that are judged: `python -m benchmarks.judgement.fits OCTIS --output FILE` writes their topics.

OCTIS is a checkout of github.com/MIND-Lab/OCTIS, whose prepared BBC News, M10 and DBLP are read; they are neither
committed nor handed on. 20 Newsgroups joins them. No model was tuned on any of the four. The file has a line a fit, and
an interrupted command goes on where it was.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.topics import corpora, models, space, trial
from training_scripts.hyperparameters import default_mini_batch_size
from training_scripts.ntm.coherence import top_word_ids

CORPORA: Final = {"BBC News": "BBC_News", "M10": "M10", "DBLP": "DBLP"}
"""Names of corpora, and of their folders in OCTIS."""
NEWSGROUPS: Final = "20 Newsgroups"
MODELS: Final = ("open NTM", "open NTM, adadelta", "NMF", "Gibbs LDA")
BY_RULE: Final = ", our rule"
"""What the name of a peer ends with whose words are chosen by our rule."""
FOLDER: Final = Path("build/bench/judged")
MOST_DOCUMENTS: Final = 10_000
"""Of a corpus: DBLP has 54,595 titles."""
WORDS: Final = 10


@dataclass(frozen=True)
class Fit:
    """What is fitted, and the order of the work."""

    corpus: str
    model: str
    seed: int
    topics: int


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    done = set(known(options.output)) if options.output.exists() else set()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    for name in [*CORPORA, NEWSGROUPS]:
        wanted = [Fit(name, model, seed, options.topics) for model in MODELS for seed in range(options.seeds)]
        if not (missing := [fit for fit in wanted if fit not in done]):
            continue
        try:
            corpus = corpora.read(name, _prepared(name, options.octis))
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            sys.stderr.write(f"fits: {name} is left out: {error}\n")
            continue
        for fit in missing:
            lines = _lines(fit, corpus)
            with options.output.open("a", encoding="utf-8") as stream:
                stream.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            sys.stderr.write(f"{name}, {fit.model}, seed {fit.seed}\n")
    return 0


def _lines(fit: Fit, corpus: corpora.Corpus) -> Iterator[dict[str, object]]:
    """Fit a model; returns a line of its topics' words, and of a peer's another by our rule."""
    settings = dict(space.DEFAULTS[fit.model])
    if fit.model == "open NTM":
        # As a stage has it.
        settings["mini_batch_size"] = default_mini_batch_size(corpus.train.counts.shape[0])
    model = trial.fitted(fit.model, corpus, fit.topics, fit.seed, settings)
    ranked = {fit.model: model.topics}
    if isinstance(model, models.Mixture):
        ranked[fit.model + BY_RULE] = model.by_rule(corpus.train.counts)
    for name, topics in ranked.items():
        top = top_word_ids(np.asarray(topics, np.float32), WORDS)
        words = [[corpus.words[word] for word in row] for row in top]
        yield {"corpus": fit.corpus, "model": name, "seed": fit.seed, "topics": fit.topics, "words": words}


def known(results: Path) -> Iterator[Fit]:
    """Yield the fits of a file."""
    for text in results.read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        yield Fit(line["corpus"], line["model"], line["seed"], line["topics"])


def _prepared(name: str, octis: Path) -> Path:
    """Return the folder of a prepared corpus.

    Raises:
        FileNotFoundError: OCTIS has no such corpus there.
    """
    folder = FOLDER / name.lower().replace(" ", "-")
    if folder.exists():
        return folder
    if name == NEWSGROUPS:
        archive = ["--archive", str(corpora.ARCHIVE)] if corpora.ARCHIVE.exists() else []
        source = ["20newsgroups", *archive, "--least-words", "10"]
    else:
        documents = FOLDER / f"{folder.name}.jsonl"
        write_documents(octis / "preprocessed_datasets" / CORPORA[name] / "corpus.tsv", documents)
        source = ["jsonl", str(documents), "--label-field", "label", "--source-name", f"{name} of OCTIS"]
    command = [sys.executable, "-m", "training_scripts.prepare", *source, "--output", str(folder)]
    subprocess.run(command, check=True)
    return folder


def write_documents(table: Path, documents: Path) -> None:
    """Write a table of OCTIS (text, part, label) as JSON Lines: every nth row, where there are too many."""
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    every = -(-len(rows) // MOST_DOCUMENTS)
    documents.parent.mkdir(parents=True, exist_ok=True)
    with documents.open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps({"text": row[0], "label": row[2]}) + "\n" for row in rows[::every])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judgement.fits", description=__doc__)
    parser.add_argument("octis", type=Path, help="a checkout of github.com/MIND-Lab/OCTIS")
    parser.add_argument("--output", type=Path, required=True, help="JSON Lines; lines that are there are kept")
    parser.add_argument("--topics", type=int, default=20, help="topics of each model (20)")
    parser.add_argument("--seeds", type=int, default=3, help="fits of each model and corpus (3)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
