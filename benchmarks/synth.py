"""Synth against an empty app with as many stacks: `python -m benchmarks.synth`. Interleaved, in one run.

Measured twice: of templates that were validated before, as most synths are, and of such that were not.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from stacks.shared.names import VALID_TEMPLATES

ROOT: Final = Path(__file__).parent.parent
OUTPUT: Final = ROOT / "build" / "bench" / "synth.json"
EMPTY_APP: Final = """
import aws_cdk as cdk
app = cdk.App()
for number in range({stacks}):
    cdk.CfnWaitConditionHandle(cdk.Stack(app, f"Empty{{number}}"), "Handle")
app.synth()
"""
"""A stack must have a resource; this one says the least."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the figures; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.synth", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each, after one to warm up (5)")
    parser.add_argument("--stage", default="dev", help="whose templates to write (dev)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        ours = ["synth", "--quiet", "-c", f"stage={options.stage}", "--output", f"{folder}/ours"]
        _run(ours)
        stacks = len(list(Path(folder, "ours").glob("*.template.json")))
        empty_app = Path(folder, "empty.py")
        empty_app.write_text(EMPTY_APP.format(stacks=stacks), encoding="utf-8")
        empty = ["synth", "--quiet", "--app", f"{sys.executable} {empty_app}", "--output", f"{folder}/empty"]
        _run(empty)
        rounds: list[tuple[tuple[float, float], ...]] = []
        for number in range(options.runs):
            known, bare = _run(ours), _run(empty)
            (ROOT / VALID_TEMPLATES).unlink()
            rounds.append((known, _run(ours), bare))
            print(f"{number + 1} of {options.runs}", file=sys.stderr)
    figures: dict[str, object] = {"stage": options.stage, "stacks": stacks, "runs": options.runs}
    for place, name in enumerate(("wall_s", "cpu_s")):
        again, new, nothing = ([one[which][place] for one in rounds] for which in (0, 1, 2))
        figures[name] = {
            "ours": _spread(again),
            "ours, templates not validated before": _spread(new),
            "empty": _spread(nothing),
            "ratio": _spread([one / other for one, other in zip(again, nothing, strict=True)]),
            "ratio, templates not validated before": _spread(
                [one / other for one, other in zip(new, nothing, strict=True)]
            ),
        }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))
    return 0


def _run(arguments: list[str]) -> tuple[float, float]:
    """Return the wall and CPU seconds of one run of the CDK CLI, with all its children."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    # Not our own environment's: a synth must need none.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CDK_", "PYTHON"))}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "cdk"), *arguments, "--no-notices"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"benchmarks.synth: cdk synth failed: {done.stderr.strip()}")
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "min": round(min(values), 3),
        "median": round(statistics.median(values), 3),
        "max": round(max(values), 3),
    }


if __name__ == "__main__":
    sys.exit(main())
