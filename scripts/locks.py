# ruff: noqa: INP001
"""Write the locks of the environments, or ask whether each can be installed from wheels on other machines.

Usage: .venv/bin/python scripts/locks.py write [PACKAGE ...]   (after changing requirements.txt or a requirements/*.in)
       .venv/bin/python scripts/locks.py check

A lock pins every package with the hash of every file that is published for its version, for Python 3.11 and later and
for every system. `write` keeps the versions of a lock that its requirements still allow, but for the packages named:
of those it takes the newest. `check` resolves every lock from wheels alone, names each package that has none, and
refuses a hash that is of no published file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / "requirements"
UV: Final = str(Path(sys.executable).with_name("uv"))
DEPLOY: Final = "deploy"
"""The environment of `requirements.txt`, which stands at the root."""
PROJECT: Final = "dev"
"""The project's own environment, .venv."""
APART: Final = frozenset(
    {"bench-torch", "cli", "lint", "pre-commit", "script-mode", "sdk-v1", "sdk-v2", "sdk-v3"},
)
"""Environments of programs that bring their own boto3 or PyTorch; every other takes its versions from `dev`."""
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS: Final = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "aarch64-apple-darwin")
_PURE: Final = "published as sources alone, in Python"
_LINUX: Final = "a program of Linux alone; its environment is for Linux"
SOURCE_ONLY: Final[Mapping[str, str]] = {
    "gensim": "built by a C++ compiler; only the benchmark's peers need it",
    "gevent": "built by a C compiler on macOS for Python 3.11",
    "inotify-simple": _PURE,
    "jax-cuda12-pjrt": _LINUX,
    "jax-cuda12-plugin": _LINUX,
    "opentsne": "built by a C++ compiler on Linux's aarch64",
    "protobuf3-to-dict": _PURE,
    "pyspark": "its sources are what there is, in Python and Java's bytecode",
    "sagemaker": _PURE,
    "sagemaker-inference": _PURE,
    "sagemaker-pytorch-inference": _PURE,
    "sagemaker-pytorch-training": _PURE,
    "sagemaker-training": "published as sources alone, with a small program in C",
}
"""Packages that lack a wheel somewhere, and why that is accepted."""
MACOS: Final = "14.0"
"""The oldest macOS that wheels are asked for."""
_NO_WHEEL: Final = re.compile(r"Because (\S+?)==\S+ has no (?:usable )?wheels")
_PINNED: Final = re.compile(r"^([A-Za-z0-9][\w.-]*)==")
_HASH: Final = re.compile(r"--hash=(\S+)")
_HASH_LINE: Final = re.compile(r" \\\n +--hash=\S+")
_ERROR_LINES: Final = 3


class LockError(Exception):
    """What uv cannot do, in one sentence."""


class Machine(NamedTuple):
    """A Python and a platform that a lock must install on."""

    python: str
    platform: str


MACHINES: Final = tuple(Machine(python, platform) for python in PYTHONS for platform in PLATFORMS)


def environments() -> list[str]:
    """Return the environments' names, in the order in which their locks are written."""
    rest = sorted({path.stem for path in FOLDER.glob("*.in")} - {PROJECT})
    return [DEPLOY, PROJECT, *rest]


def lock_file(environment: str) -> Path:
    """Return the path of an environment's lock."""
    return FOLDER / f"{environment}.txt"


def requirements_of(environment: str) -> str:
    """Return an environment's own requirements; those of `deploy` are the root's, less the line with this lock."""
    if environment != DEPLOY:
        return (FOLDER / f"{environment}.in").read_text(encoding="utf-8")
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("-r "))


def write(environment: str, upgraded: Sequence[str] = ()) -> None:
    """Write the lock of an environment, with the newest versions of the packages `upgraded` and the others as they are.

    Raises:
        LockError: its requirements contradict each other.
    """
    constraints = [] if environment in {DEPLOY, PROJECT, *APART} else ["--constraints", str(lock_file(PROJECT))]
    ran = subprocess.run(
        [
            *(UV, "pip", "compile", "--quiet", "--universal", f"--python-version={PYTHONS[0]}", "--generate-hashes"),
            *("--no-annotate", "--custom-compile-command=make lock", *constraints),
            *(f"--upgrade-package={name}" for name in upgraded),
            *(f"--output-file={lock_file(environment)}", "-"),
        ],
        cwd=FOLDER,
        input=requirements_of(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise LockError(f"requirements/{environment}.txt cannot be written: {_last(ran.stderr)}")


def pins(lock: str) -> dict[str, str]:
    """Return each pin of a lock with its hashes, by the package's name; pins of one name, by markers, are joined."""
    blocks: dict[str, str] = {}
    name = ""
    for line in lock.splitlines(keepends=True):
        if started := _PINNED.match(line):
            name = started[1]
            blocks.setdefault(name, "")
        if name and not line.startswith("#"):
            blocks[name] += line
    return blocks


def lots(locks: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    """Deal out the pins of all locks, equal ones once, into as few lots as keep a package's different pins apart.

    What is known to lack wheels stands apart, as a lot is resolved again for each package that lacks one.
    """
    dealt: list[dict[str, str]] = []
    for name, block in sorted({item for lock in locks.values() for item in lock.items()}):
        known = name in SOURCE_ONLY
        lot = next((lot for lot in dealt if name not in lot and known == (next(iter(lot)) in SOURCE_ONLY)), None)
        if lot is None:
            dealt.append(lot := {})
        lot[name] = block
    return dealt


def without_wheel(blocks: Mapping[str, str], machine: Machine) -> list[str]:
    """Return the pinned packages that have no wheel for a machine.

    Raises:
        LockError: uv refuses the pins for another reason, a hash for example.
    """
    left = dict(blocks)
    missing: list[str] = []
    while fault := _refusal(left.values(), machine):
        refused = _NO_WHEEL.search(fault)
        if refused is None or refused[1] not in left:
            raise LockError(f"Python {machine.python} on {machine.platform}: {_last(fault)}")
        missing.append(refused[1])
        del left[refused[1]]
    return missing


def unpublished(blocks: Mapping[str, str]) -> list[str]:
    """Return the pinned packages with a hash that is of no file published for their version.

    Raises:
        LockError: uv finds no such version.
    """
    ran = subprocess.run(
        [
            *(UV, "pip", "compile", "--quiet", "--universal", f"--python-version={PYTHONS[0]}", "--generate-hashes"),
            *("--no-deps", "--no-annotate", "--no-header", "-"),
        ],
        cwd=ROOT,
        input="".join(_HASH_LINE.sub("", block) for block in blocks.values()),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        raise LockError(f"the published hashes cannot be read: {_last(ran.stderr)}")
    published = pins(ran.stdout)
    return [
        name
        for name, block in blocks.items()
        if set(_HASH.findall(block)) - set(_HASH.findall(published.get(name, "")))
    ]


def _refusal(blocks: Iterable[str], machine: Machine) -> str:
    """Return why uv would not install these pins from wheels on a machine, or an empty string."""
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / "lock.txt"
        lock.write_text("".join(blocks), encoding="utf-8")
        ran = subprocess.run(
            [
                *(UV, "pip", "install", "--quiet", "--dry-run", "--no-deps", "--only-binary=:all:"),
                *(f"--python-version={machine.python}", f"--python-platform={machine.platform}"),
                *(f"--target={folder}/packages", f"--requirements={lock}"),
            ],
            cwd=folder,
            env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": MACOS},
            capture_output=True,
            text=True,
            check=False,
        )
    return "" if ran.returncode == 0 else ran.stderr or f"uv ended with {ran.returncode}"


def _last(errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    return " ".join(lines[:_ERROR_LINES]) or "uv gave no reason"


def check(locks: Mapping[str, Mapping[str, str]]) -> dict[tuple[str, str], list[Machine]]:
    """Return each environment's packages that have no wheel, by environment and name, with the machines that lack it.

    Raises:
        LockError: a lock cannot be resolved at all.
    """
    tried = [(lot, machine) for lot in lots(locks) for machine in MACHINES]
    missing: dict[tuple[str, str], list[Machine]] = {}
    with ThreadPoolExecutor(max_workers=4) as pool:
        for (lot, machine), names in zip(tried, pool.map(lambda pair: without_wheel(*pair), tried), strict=True):
            for name in names:
                for environment in (one for one, lock in locks.items() if lock.get(name) == lot[name]):
                    missing.setdefault((environment, name), []).append(machine)
    return missing


def told(environment: str, name: str, machines: Sequence[Machine]) -> str:
    """Return the line that says where a package of an environment has no wheel, and why that is accepted if it is."""
    everywhere = len(machines) == len(MACHINES)
    where = "anywhere" if everywhere else "for " + ", ".join(f"{one.python} {one.platform}" for one in machines)
    return f"requirements/{environment}.txt: {name} has no wheel {where}: {SOURCE_ONLY.get(name, 'NOT ACCEPTED')}"


def _check_all() -> int:
    """Check every lock, print what has no wheel, and return the exit code."""
    all_pins = {one: pins(lock_file(one).read_text(encoding="utf-8")) for one in environments()}
    foreign = sorted({name for lot in lots(all_pins) for name in unpublished(lot)})
    for name in foreign:
        print(f"requirements: {name} is pinned with a hash that no published file has")
    missing = check(all_pins)
    for (environment, name), machines in sorted(missing.items()):
        print(told(environment, name, machines))
    print(f"{len(environments())} locks resolved for {len(MACHINES)} machines from wheels, hashes compared")
    return 1 if foreign or {name for _, name in missing} - SOURCE_ONLY.keys() else 0


def main(arguments: list[str]) -> int:
    """Write or check all locks; return the exit code."""
    if arguments != ["check"] and arguments[:1] != ["write"]:
        print("locks: say `write` or `check`", file=sys.stderr)
        return 2
    try:
        if arguments == ["check"]:
            return _check_all()
        for environment in environments():
            write(environment, arguments[1:])
    except LockError as error:
        print(f"locks: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
