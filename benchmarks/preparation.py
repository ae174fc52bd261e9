"""Preparation on Spark against one process, on made-up documents: time, CPU, memory, and whether they are equal.

`python -m benchmarks.preparation --documents 100000`. Spark runs in local mode in .venv-spark, with all cores.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPARK = ROOT / ".venv-spark" / "bin"
WORDS = 50_000
MEAN_WORDS = 60
LABELS = 20
_POLL_S = 0.5
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """What one preparation took; memory is the sum over its processes, shared pages counted once for each."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main() -> int:
    """Write documents, prepare them both ways, print what it took as JSON; return 0 where the corpora are equal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench-preparation")
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    documents = options.folder / f"{options.documents}.jsonl"
    if not documents.exists():
        write_documents(documents, options.documents)
    fields = ("--id-field", "id", "--label-field", "label")
    one, many = options.folder / "one", options.folder / "spark"
    runs_by_way: dict[str, list[Run]] = {"one": [], "spark": []}
    for _ in range(options.runs):
        single = [sys.executable, "-m", "training_scripts.prepare", "jsonl", str(documents), *fields]
        runs_by_way["one"].append(measured([*single, "--force", "--output", str(one)]))
        beside = options.folder / "beside"
        shutil.rmtree(beside, ignore_errors=True)
        program = str(ROOT / "training_scripts" / "spark" / "prepare.py")
        submitted = [str(SPARK / "spark-submit"), "--master", f"local[{os.cpu_count()}]", program, str(documents)]
        runs_by_way["spark"].append(measured([*submitted, *fields, "--output", str(many), "--beside", str(beside)]))
    equal = not _different(one, many)
    runs = {name: [asdict(run) for run in each] for name, each in runs_by_way.items()}
    print(json.dumps({"documents": options.documents, "mb": documents.stat().st_size >> 20, "equal": equal, **runs}))
    return 0 if equal else 1


def write_documents(target: Path, number: int) -> None:
    """Write documents of some 60 words each, of 50,000 by a Zipf distribution; a third of them have one label."""
    chance = random.Random(7)
    letters = "etaoinshrdlu"
    words = [_spelt(rank, letters) for rank in range(WORDS)]
    weights = list(accumulate(1 / (rank + 1) for rank in range(WORDS)))
    with target.open("w", encoding="utf-8") as stream:
        for name in range(number):
            text = " ".join(chance.choices(words, cum_weights=weights, k=chance.randint(20, 2 * MEAN_WORDS - 20)))
            label = f"label {name % LABELS if name % 3 else 0}"
            stream.write(json.dumps({"id": f"d{name}", "label": label, "text": text}) + "\n")


def measured(command: list[str]) -> Run:
    """Run a command in a session of its own and watch what its processes take, those that it starts too."""
    started = time.monotonic()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYSPARK_PYTHON": str(SPARK / "python"),
        "PYSPARK_DRIVER_PYTHON": str(SPARK / "python"),
    }
    process = subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL)
    peak, cpu = 0, dict[int, float]()
    while process.poll() is None:
        seen = _processes(process.pid)
        peak = max(peak, sum(resident for resident, _ in seen.values()))
        # A process's own time only grows: what it was last seen with is what it took.
        cpu |= {pid: seconds for pid, (_, seconds) in seen.items()}
        time.sleep(_POLL_S)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(round(time.monotonic() - started, 1), round(sum(cpu.values()), 1), round(peak / (1 << 20), 1))


def _processes(session: int) -> dict[int, tuple[int, float]]:
    """Return resident bytes and CPU seconds of every process of a session."""
    usage = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                resident = int((folder / "statm").read_text().split()[1]) * _PAGE
                usage[int(folder.name)] = (resident, (int(fields[11]) + int(fields[12])) / _TICKS)
        except (OSError, IndexError):
            continue  # it has ended
    return usage


def _spelt(rank: int, letters: str) -> str:
    spelt = ""
    while rank or len(spelt) < len("abc"):
        rank, digit = divmod(rank, len(letters))
        spelt += letters[digit]
    return spelt


def _different(one: Path, other: Path) -> list[str]:
    files = [path.relative_to(folder) for folder in (one, other) for path in folder.rglob("*") if path.is_file()]
    there = {name for name in files if (one / name).exists() and (other / name).exists()}
    same = {name for name in there if filecmp.cmp(one / name, other / name, shallow=False)}
    return sorted(name.as_posix() for name in set(files) - same)


if __name__ == "__main__":
    sys.exit(main())
