"""Batch transform of ever more documents, and single calls beside it: `python -m benchmarks.transform`.

Documents are made up from those of the corpus (its rows at random, each with an id of its own), go through the deployed
stage's state machine in a local cloud, and come back as a matrix: what `python -m operations.transform` does. For
each number it prints the job's seconds, those of the whole command, and the processor time of the cloud with its
instances, which depends less on what else the machine does. Then it asks the URL one document a call.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from explore import documents as corpora
from explore.documents import CountedDocuments
from local_cloud.cloud import LocalCloud
from local_cloud.function_urls import FunctionUrl
from local_cloud.running import Running
from operations.stage import DeployedStage
from operations.transform import run as transform_run
from training_scripts.corpus.manifest import DEFAULT_FOLDER
from training_scripts.corpus.progress import Progress

ROOT: Final = Path(__file__).parent.parent
OUTPUT: Final = ROOT / "build" / "bench" / "transform.json"
NUMBERS: Final = (10_000, 100_000, 1_000_000)
STAGE: Final = "dev"
SINGLE_CALLS_S: Final = 10.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_MILLION: Final = 1_000_000


@dataclass(frozen=True)
class Measured:
    """One run.

    Attributes:
        job_s: what the service says that the job took, without the start of its instances: what is paid for.
        command_s: from counts to the matrix: upload, job, collection.
        cloud_cpu_s: processor time of the emulator and its instances.
    """

    documents: int
    job_s: float
    command_s: float
    cloud_cpu_s: float
    documents_a_second: float
    cpu_s_a_million: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the figures; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transform", description=__doc__)
    parser.add_argument("--documents", type=_numbers, default=NUMBERS, metavar="N,N,…", help="10000,100000,1000000")
    parser.add_argument("--corpus", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help=f"({DEFAULT_FOLDER})")
    parser.add_argument("--home", type=Path, help="of a local cloud with a deployed stage dev; its own without it")
    options = parser.parse_args(arguments)
    if options.home is not None:
        running = Running.find(options.home)
        if running is None:
            print(f"benchmark: no local cloud runs in {options.home}", file=sys.stderr)
            return 2
        _write(_measure(running, options.corpus, options.documents))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "settings.json")
        # The quality of the model does not matter here, its size does.
        training = {"hyperparameters": {"epochs": 3}}
        settings.write_text(json.dumps({"corpus": {"path": str(options.corpus.resolve())}, "training": training}))
        with LocalCloud(home=Path(folder, "home")) as cloud:
            cloud.deploy(stage=STAGE, arguments=["-c", f"settings={settings}"])
            running = Running.find(Path(folder, "home"))
            if running is None:
                raise RuntimeError("the local cloud has just been deployed to, and is not there")
            _write(_measure(running, options.corpus, options.documents))
    return 0


def _measure(cloud: Running, corpus: Path, numbers: Sequence[int]) -> dict[str, object]:
    os.environ |= cloud.variables()
    deployed = DeployedStage(STAGE)
    stage = transform_run.find_stage(deployed)
    known = corpora.of_corpus(corpus)
    rows = []
    for number in numbers:
        measured = _transform(deployed, stage, made_up(known, number), cloud)
        print(
            f"{measured.documents:>9,} documents: job {measured.job_s:7.1f} s ({measured.documents_a_second:,.0f} a "
            f"second), whole command {measured.command_s:7.1f} s, {measured.cpu_s_a_million:.0f} s of processor time a "
            "million",
            flush=True,
        )
        rows.append(measured)
    single = _single_calls(cloud, deployed, known)
    best = max(row.documents_a_second for row in rows)
    print(
        f"one document a call through the URL: {single:.0f} a second; batch transform is {best / single:.0f} times that"
    )
    return {
        "model": stage.model,
        "corpus": known.corpus,
        "instances": stage.instances,
        "processors": os.cpu_count(),
        "batch": [asdict(row) for row in rows],
        "single_calls_a_second": round(single, 1),
        "times": round(best / single, 1),
    }


def made_up(known: CountedDocuments, number: int) -> CountedDocuments:
    """Return `number` documents, each with the counts of a random one that has a known word, the same every time."""
    rows = np.random.default_rng(0).choice(np.flatnonzero(known.is_known), number)
    ids = [f"made-up/{place:07d}" for place in range(number)]
    return CountedDocuments(ids, [""] * number, known.counts[rows], known.corpus, known.vocabulary)


def _transform(
    deployed: DeployedStage, stage: transform_run.Stage, documents: CountedDocuments, cloud: Running
) -> Measured:
    number = len(documents.ids)
    with tempfile.TemporaryDirectory() as folder:
        started, used = time.perf_counter(), _processor_s(cloud.pid)
        outcome = transform_run.run(deployed, stage, documents, Path(folder, "note"), Progress("benchmark"))
        command_s, cpu_s = time.perf_counter() - started, _processor_s(cloud.pid) - used
    if outcome.weights.shape[0] != number:
        raise RuntimeError(f"{outcome.weights.shape[0]} of {number} documents came back")
    return Measured(
        number,
        job_s=round(outcome.seconds, 2),
        command_s=round(command_s, 2),
        cloud_cpu_s=round(cpu_s, 2),
        documents_a_second=round(number / outcome.seconds, 1),
        cpu_s_a_million=round(cpu_s / number * _MILLION, 1),
    )


def _single_calls(cloud: Running, deployed: DeployedStage, known: CountedDocuments) -> float:
    """Return how many documents a second go through the URL, one a request, one request after the other."""
    url = cloud.function_url(deployed.outputs("Serving")["FunctionUrl"])
    counts, asked = known.known, 0
    started = time.perf_counter()
    while (elapsed := time.perf_counter() - started) < SINGLE_CALLS_S:
        row = counts[asked % counts.shape[0]]
        features = {"keys": row.indices.tolist(), "shape": [counts.shape[1]], "values": row.data.tolist()}
        _ask(url, {"instances": [{"data": {"features": features}}]}, cloud.variables())
        asked += 1
    return asked / elapsed


def _ask(url: FunctionUrl, body: Mapping[str, object], credentials: Mapping[str, str]) -> None:
    content = json.dumps(body).encode()
    address, headers = url.signed("POST", "/", content, {"Content-Type": "application/json"}, credentials)
    request = urllib.request.Request(address, data=content, headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=90) as answer:
        answer.read()


def _processor_s(pid: int) -> float:
    """Return the processor time of a process and of its children that have ended, as instances of a job have."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS


def _write(figures: Mapping[str, object]) -> None:
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(OUTPUT.relative_to(ROOT))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
