"""What stands at the root, and the locks of the environments."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from scripts import locks
from tests.unit.test_docs import REGISTRY_HOST

ROOT = Path(__file__).parents[2]
MOST_ROOT_ENTRIES = 30
FILES_AT_THE_ROOT = {
    *("requirements.txt", "app.py", "cdk.json", "pyproject.toml", "Makefile", "README.md", "LICENSE", "CHANGELOG.md"),
    *("CONTRIBUTING.md", "package.json", "package-lock.json"),
}
LOCKS = sorted(locks.FOLDER.glob("*.txt"))
SHARED = [name for name in locks.environments() if name not in locks.APART]
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(\[[\w,-]+\])?==(?P<version>[^\s;]+)", re.MULTILINE)


def at_the_root() -> dict[str, bool]:
    """What git keeps at the root, by name, and whether it is a folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("this is no checkout of git's: what is kept at the root cannot be told from what was made there")
    paths = [path for path in listed.stdout.split("\0") if path]
    return {path.partition("/")[0]: "/" in path for path in paths}


def versions(text: str) -> dict[str, set[str]]:
    """The versions that requirements or a lock pin, by the package's normalised name."""
    pinned: dict[str, set[str]] = {}
    for match in REQUIREMENT.finditer(text):
        pinned.setdefault(re.sub(r"[-_.]+", "-", match["name"]).lower(), set()).add(match["version"])
    return pinned


def prerequisites() -> dict[str, str]:
    """The prerequisites of each target of the Makefile that has a line of its own."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z-]+):([^=#\n]*)", text, re.MULTILINE))


def test_at_most_thirty_entries_stand_at_the_root() -> None:
    assert len(at_the_root()) <= MOST_ROOT_ENTRIES


def test_only_named_files_stand_at_the_root() -> None:
    files = {name for name, is_folder in at_the_root().items() if not is_folder and not name.startswith(".")}
    assert files == FILES_AT_THE_ROOT


def test_every_environment_has_its_lock_and_every_lock_its_environment() -> None:
    assert sorted(lock.stem for lock in LOCKS) == sorted(locks.environments())


@pytest.mark.parametrize("environment", locks.environments())
def test_a_lock_pins_what_its_requirements_ask_for(environment: str) -> None:
    asked, pinned = versions(locks.requirements_of(environment)), versions(locks.lock_file(environment).read_text())
    assert asked
    assert {name: pinned.get(name) for name in asked} == asked


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_requirement_of_a_lock_is_pinned_with_hashes(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    starts = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(starts) == len(REQUIREMENT.findall(text)) > 0
    for block in re.split(r"\n(?=\S)", text):
        if not block.startswith("#"):
            assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.parametrize("path", [*LOCKS, *sorted(locks.FOLDER.glob("*.in")), ROOT / "requirements.txt"], ids=str)
def test_no_requirements_name_a_registry(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not REGISTRY_HOST.search(text)
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("environment", SHARED)
def test_an_environment_that_shares_packages_with_the_project_has_their_versions(environment: str) -> None:
    ours, theirs = (
        versions(locks.lock_file(name).read_text(encoding="utf-8")) for name in (locks.PROJECT, environment)
    )
    assert {name: theirs[name] for name in ours.keys() & theirs} == {name: ours[name] for name in ours.keys() & theirs}


def test_the_hooks_run_what_make_check_runs() -> None:
    assert re.findall(r"^ +entry: make (.*)$", HOOKS, re.MULTILINE) == prerequisites()["check"].split()


def test_every_hook_looks_at_all_files_as_make_check_does() -> None:
    hooks = re.split(r"^ +- id: ", HOOKS, flags=re.MULTILINE)[1:]
    assert hooks
    assert all("pass_filenames: false" in hook and "always_run: true" in hook for hook in hooks)


@pytest.mark.parametrize("environment", sorted(set(locks.environments()) - {locks.DEPLOY, locks.PROJECT}))
def test_one_rule_makes_an_environment_from_its_lock(environment: str) -> None:
    assert f"--require-hashes -r requirements/{environment}.txt" in commands_for(f".venv-{environment}")


def test_the_rule_makes_the_projects_own_environment_from_the_lock_of_dev() -> None:
    assert "--require-hashes -r requirements/dev.txt" in commands_for(".venv")


def commands_for(environment: str) -> str:
    """What make would do for an environment that is not there."""
    target = f"{environment}/.ready"
    ran = subprocess.run(
        ["make", "--dry-run", f"--what-if=requirements/{environment.partition('-')[2] or 'dev'}.txt", target],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ran.stdout
