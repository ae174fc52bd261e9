"""The demo, ended in every phase by every signal: how long that takes, what it leaves, and whether the next run works.

The slow grid writes its table to build/interruptions.md.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import boto3
import pytest

from local_cloud import LocalCloud, file_lock
from local_cloud.running import Running
from local_cloud.shared.paths import Home
from local_cloud.shared.settings import PROJECT_ROOT
from tests.end_to_end import small_demo
from tests.end_to_end.deployment import trains
from tests.local_cloud.support import processes_of, until

pytestmark = [
    pytest.mark.local_cloud,
    pytest.mark.flaky(reruns=0),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="what is left over is read from /proc"),
]

PHASES = ("starting", "synthesizing", "deploying", "training", "asking", "kept")
EXIT_CODES = {
    "SIGINT": 130,
    "SIGINT twice": 130,
    "SIGTERM": 143,
    "SIGHUP": 129,
    "SIGKILL": -signal.SIGKILL,
    "SIGKILL of the emulator": 2,
}
"""What the demo ends with, by what is sent."""
FAST = {("SIGTERM", "starting"), ("SIGKILL", "synthesizing"), ("SIGINT twice", "deploying")}
CELLS = [
    pytest.param(name, phase, marks=() if (name, phase) in FAST else pytest.mark.slow)
    for phase in PHASES
    for name in EXIT_CODES
]
HARMLESS = ["aws", "cdk-home", "emulator.log", "lock", "state"]
LONGEST_PHASE_S, LONGEST_END_S = 400.0, 30.0
"""Generous: a machine that has other things to do is no fault of the demo's."""
AT_ONCE = 6
"""Demos side by side."""
HOURS = 100_000
"""Epochs: more than any machine does in the time that a test has."""
PATH = os.pathsep.join([".", "lambda/urls", "lambda/deployment"])
TABLE = PROJECT_ROOT / "build" / "interruptions.md"


@dataclass(frozen=True)
class Small:
    """What every demo of the grid is given: a small corpus, and templates that are written already."""

    settings: Path
    documents: Path
    trains_long: Path
    trains_briefly: Path

    def environment(self, phase: str) -> dict[str, str]:
        """Return the variables of a demo that is to get to `phase` quickly, and to stay there for a while."""
        chosen = {
            small_demo.SETTINGS: str(self.settings),
            small_demo.DOCUMENTS: str(self.documents),
            small_demo.REPEATED: "200" if phase == "asking" else "1",
        }
        if phase != "synthesizing":
            long = phase in {"deploying", "training"}
            chosen[small_demo.ASSEMBLY] = str(self.trains_long if long else self.trains_briefly)
        return chosen


@dataclass(frozen=True)
class Outcome:
    """One cell of the table."""

    signal: str
    phase: str
    ended_s: float
    everything_gone_s: float
    exit_code: int
    left: list[str]
    next_run_s: float


class Demo:
    """A demo in a home of its own, with what it says."""

    def __init__(self, folder: Path, small: Mapping[str, str]) -> None:
        self.home = Home(folder / "home")
        self.lines: list[str] = []
        self._folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.end_to_end.small_demo", "--keep", "--home", str(self.home.root),
             "--output", str(folder / "output")],
            cwd=PROJECT_ROOT,
            # What the library checks in templates takes longer than all the rest of a synth.
            env={**os.environ, **small, "PYTHONPATH": PATH, "CDK_VALIDATION": "false", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        assert self.process.stderr is not None
        self.reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self.reader.start()

    def _read(self, stream: IO[str]) -> None:
        for line in stream:
            self.lines.append(line.rstrip())

    def has_said(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def is_in(self, phase: str) -> bool:
        assert self.process.poll() is None, f"the demo ended before it was {phase}: {self.lines}"
        if phase == "starting":
            return file_lock.is_taken(self.home.lock)
        if phase == "deploying":
            return bool(self._stacks_in_progress())
        if phase == "training":
            return self._is_training()
        said = {"synthesizing": "Synthesizing", "asking": "Asking the URL", "kept": "Running at"}
        return self.has_said(said[phase])

    def emulator(self) -> int:
        running = until(lambda: Running.find(self.home.root))
        assert isinstance(running, Running)
        return running.pid

    def processes(self) -> dict[int, str]:
        return processes_of(self._folder)

    def files(self) -> list[str]:
        return [file.name for file in self.home.root.iterdir() if file.name not in HARMLESS]

    def _stacks_in_progress(self) -> list[str]:
        client = self._client("cloudformation")
        if client is None or not self.has_said("Deploying"):
            return []
        return [
            stack["StackName"]
            for stack in client.describe_stacks()["Stacks"]
            if stack["StackName"].endswith("-Training") and stack["StackStatus"] == "CREATE_IN_PROGRESS"
        ]

    def _is_training(self) -> bool:
        client = self._client("sagemaker")
        jobs = client.list_training_jobs()["TrainingJobSummaries"] if client is not None else []
        return any(job["SecondaryStatus"] == "Training" for job in jobs)

    def _client(self, service: str) -> Any:
        running = Running.find(self.home.root)
        if running is None:
            return None
        variables = running.variables()
        return boto3.client(
            service,
            endpoint_url=running.endpoint_url,
            region_name=variables["AWS_REGION"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        )


def send(demo: Demo, name: str) -> None:
    if name == "SIGKILL of the emulator":
        os.kill(demo.emulator(), signal.SIGKILL)
        return
    number = signal.Signals[name.removesuffix(" twice")]
    demo.process.send_signal(number)
    if name.endswith("twice"):
        # The second comes while the first is being answered: the emulator has begun to stop, or nothing is left to do.
        until(lambda: demo.process.poll() is not None or not demo.home.running.exists())
        demo.process.send_signal(number)


def interrupt(folder: Path, small: Small, name: str, phase: str) -> Outcome:
    demo = Demo(folder, small.environment(phase))
    try:
        until(lambda: demo.is_in(phase), LONGEST_PHASE_S)
        started = time.monotonic()
        send(demo, name)
        exit_code = demo.process.wait(LONGEST_END_S)
        ended_s = time.monotonic() - started
        # At once, while something of the old one may still be ending, which must not harm the new one.
        begun, old = time.monotonic(), set(demo.processes())
        with LocalCloud(home=demo.home.root) as following:
            next_run_s = time.monotonic() - begun
            until(lambda: not old & set(demo.processes()), LONGEST_END_S)
            everything_gone_s = time.monotonic() - started
            assert following.running.is_healthy()
            assert following.home.work.is_dir()
            assert Running.find(demo.home.root) == following.running
        until(lambda: not demo.processes(), LONGEST_END_S)
        left = demo.files()
    finally:
        if demo.process.poll() is None:
            demo.process.kill()
            demo.process.wait()
    demo.reader.join(LONGEST_END_S)
    if name == "SIGKILL of the emulator":
        assert "the emulator was ended by SIGKILL" in demo.lines[-1]
    assert not any("Traceback" in line for line in demo.lines), demo.lines
    return Outcome(name, phase, round(ended_s, 1), round(everything_gone_s, 1), exit_code, left, round(next_run_s, 1))


@pytest.fixture(autouse=True, scope="module")
def with_ctrl_c() -> Iterator[None]:
    """What a shell starts in the background ignores Ctrl-C, and so does what that starts, unless it is told not to."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, small_corpus: Path) -> Small:
    """The templates of two trainings on the small corpus: one that takes an epoch, and one that takes hours."""
    folder = tmp_path_factory.mktemp("small")
    settings = {epochs: folder / f"settings-{epochs}.json" for epochs in (1, HOURS)}
    for epochs, file in settings.items():
        chosen = trains(epochs=epochs, num_patience_epochs=epochs) if epochs > 1 else trains(epochs=epochs)
        file.write_text(json.dumps({"corpus": {"path": str(small_corpus)}, **chosen}))
    written = {epochs: synthesize(file, folder / f"cdk-{epochs}.out") for epochs, file in settings.items()}
    return Small(settings[1], small_corpus.parent / "documents.jsonl", written[HOURS], written[1])


def synthesize(settings: Path, assembly: Path) -> Path:
    subprocess.run(
        [Path(sys.executable).parent / "cdk", "synth", "--quiet", "-c", "stage=dev", "-c", f"settings={settings}",
         "--output", assembly],
        cwd=PROJECT_ROOT, env={**os.environ, "CDK_VALIDATION": "false"}, check=True,
    )  # fmt: skip
    return assembly


class Grid:
    """The cells that are asked for. Those of a phase are run side by side: each of them mostly waits."""

    def __init__(self, folder: Path, small: Small, cells: list[tuple[str, str]]) -> None:
        self._folder, self._small, self._cells = folder, small, cells
        self._running: dict[tuple[str, str], Future[Outcome]] = {}
        self._pool = ThreadPoolExecutor(AT_ONCE)

    def outcome(self, name: str, phase: str) -> Outcome:
        """Run every cell of the phase, the first time, and return this one's."""
        if (name, phase) not in self._running:
            for number, cell in enumerate(self._cells):
                if cell[1] == phase:
                    # Short: the names of sockets have their limits.
                    folder = self._folder / f"{phase}-{number:02}"
                    folder.mkdir()
                    self._running[cell] = self._pool.submit(interrupt, folder, self._small, *cell)
        return self._running[name, phase].result()

    def close(self) -> None:
        """Wait for what runs, and write the table."""
        self._pool.shutdown()
        done = [cell.result() for cell in self._running.values() if cell.exception() is None]
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(table(done))


@pytest.fixture(scope="module")
def grid(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, small: Small) -> Iterator[Grid]:
    """Those cells of the table whose tests are run."""
    chosen = [item.callspec.params for item in request.session.items if item.path == request.path]  # type: ignore[attr-defined]
    cells = [(params["name"], params["phase"]) for params in chosen]
    grid = Grid(tmp_path_factory.mktemp("grid"), small, cells)
    yield grid
    grid.close()


def table(outcomes: list[Outcome]) -> str:
    """Return a row a signal: seconds until the demo had ended, until everything had, and until the next cloud was up.

    What was left is named; a cell that was not run is a dash.
    """
    cells = {(item.signal, item.phase): item for item in outcomes}
    rows = [f"| | {' | '.join(PHASES)} |", f"|---|{'---|' * len(PHASES)}"]
    rows += [f"| {name} | {' | '.join(told(cells.get((name, x))) for x in PHASES)} |" for name in EXIT_CODES]
    return "\n".join(rows) + "\n"


def told(outcome: Outcome | None) -> str:
    if outcome is None:
        return "-"
    return " / ".join([f"{outcome.ended_s} / {outcome.everything_gone_s} / {outcome.next_run_s}", *outcome.left])


@pytest.mark.parametrize(("name", "phase"), CELLS)
def test_an_interrupted_demo_ends_leaves_nothing_and_the_next_run_works(grid: Grid, name: str, phase: str) -> None:
    outcome = grid.outcome(name, phase)

    assert outcome.exit_code == EXIT_CODES[name]
    assert outcome.left == []
    assert outcome.everything_gone_s < LONGEST_END_S
