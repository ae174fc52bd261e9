"""Runs what README and the documents show, as it is written, in a fresh copy of the project.

The first document's first command brings a local cloud up, and deploys a reader's own corpus to it.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.documentation.blocks import ALL, MARKED, NEEDS, ROOT, RUN, Block
from training_scripts.corpus.sources import ApiReference

pytestmark = [pytest.mark.slow, pytest.mark.local_cloud]

TIMEOUT_S = 500
DOCUMENTS_OF_A_READER = 600
AWS_CLI = ROOT / ".venv-cli" / "bin" / "aws"
MADE_BY_SETUP = {"cdk", "topics"}


def write_readers_files(folder: Path) -> None:
    """Write what a reader has: documents of their own, under the names that the documents use."""
    found = [one for one in islice(ApiReference().documents(), 4000) if len(one.text) > 200][:DOCUMENTS_OF_A_READER]
    rows = [
        {"id": str(number), "number": number, "team": one.label, "text": one.text, "body": one.text, "Review": one.text}
        for number, one in enumerate(found)
    ]
    for name in ("tickets.jsonl", "articles.jsonl"):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for name in ("articles.csv", "reviews.csv"):
        with (folder / name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    for number, one in enumerate(found):
        file = folder / "letters" / one.label / f"{number}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(one.text, encoding="latin-1", errors="replace")
    (folder / "letter.txt").write_text("How do I restore a database snapshot?", encoding="utf-8")
    (folder / "report.txt").write_text("Send a message to the queue.", encoding="utf-8")
    (folder / "lines.txt").write_text("restore a snapshot\nsend a message\n", encoding="utf-8")


def link_environment(copy: Path) -> None:
    """Give a copy the environment of this tree, as links, so that its set-up has nothing to fetch."""
    for name in (".venv", "node_modules"):
        for entry in (ROOT / name).resolve().iterdir():
            (copy / name).mkdir(exist_ok=True)
            if entry.name != "bin":
                (copy / name / entry.name).symlink_to(entry)
    (copy / ".venv" / "bin").mkdir()
    for entry in (ROOT / ".venv" / "bin").resolve().iterdir():
        if entry.name not in MADE_BY_SETUP:
            (copy / ".venv" / "bin" / entry.name).symlink_to(entry)
    for name in (".venv", "node_modules"):
        (copy / name / ".ready").unlink(missing_ok=True)
        (copy / name / ".ready").touch()


def exports(copy: Path) -> dict[str, str]:
    """What the copy's local cloud tells clients to export."""
    script = 'eval "$(.venv/bin/python -m local_cloud env)" && env -0'
    ran = subprocess.run(["bash", "-c", script], cwd=copy, env=plain(), capture_output=True, text=True, check=True)
    return dict(variable.split("=", 1) for variable in ran.stdout.split("\0") if variable)


def plain() -> dict[str, str]:
    """The environment of somebody who has set nothing up."""
    return {name: os.environ[name] for name in ("HOME", "PATH", "LANG", "TMPDIR") if name in os.environ}


def install_aws_cli(folder: Path) -> Path:
    """Write the command `aws` into a folder: version 1 asks SQS past AWS_ENDPOINT_URL, unless its option says where."""
    folder.mkdir()
    (folder / "aws").write_text(
        f'#!/bin/sh\nexec {AWS_CLI} --endpoint-url "$AWS_ENDPOINT_URL" "$@"\n', encoding="utf-8"
    )
    (folder / "aws").chmod(0o755)
    return folder


class Reader:
    """Somebody in a fresh copy, who pastes one block after the other."""

    def __init__(self, copy: Path) -> None:
        self.copy = copy
        self.environment = plain()
        self.is_up = self.has_tried = False

    def run(self, block: Block) -> subprocess.CompletedProcess[str]:
        """Run a block in a shell of its own, in which the exports of getting started and the runbooks were pasted."""
        program = (
            [str(self.copy / ".venv" / "bin" / "python"), "-c", block.text]
            if block.language == "python"
            else ["bash", "-eo", "pipefail", "-c", "\n".join(block.commands)]
        )
        return subprocess.run(
            program,
            cwd=self.copy,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def up(self) -> None:
        """Have the default corpus deployed, and keep it, for all blocks behind the first."""
        assert not self.has_tried, "the first block that needed a deployed stage tells why there is none"
        self.has_tried = True
        made = subprocess.run(
            ["make", "corpus", "up"], cwd=self.copy, env=plain(), capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stdout + made.stderr
        path = f"{install_aws_cli(self.copy.parent / 'aws')}:{os.environ['PATH']}"
        self.environment = exports(self.copy) | {"STAGE": "dev", "PATH": path}
        shutil.copytree(self.copy / "build" / "corpus", self.copy / "build" / "default")
        self.is_up = True

    def put_corpus_back(self) -> None:
        """Let the next block find the default corpus, whatever the one before has prepared."""
        shutil.rmtree(self.copy / "build" / "corpus", ignore_errors=True)
        shutil.copytree(self.copy / "build" / "default", self.copy / "build" / "corpus")


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    copy = tmp_path_factory.mktemp("fresh") / "copy"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("this is no checkout of git's: a fresh copy cannot be told from what was made here")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith((".venv", "node_modules")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
    link_environment(copy)
    write_readers_files(copy)
    pastes = Reader(copy)
    try:
        yield pastes
    finally:
        subprocess.run([sys.executable, "-m", "local_cloud", "down"], cwd=copy, check=False, capture_output=True)


@pytest.mark.parametrize("block", RUN, ids=str)
def test_what_a_document_shows_works_as_written(reader: Reader, block: Block) -> None:
    if "aws " in block.text and not AWS_CLI.exists():
        pytest.skip("there is no .venv-cli: `make test-all` makes it")
    if block is not RUN[0] and not reader.is_up:
        reader.up()
    ran = reader.run(block)
    if reader.is_up:
        reader.put_corpus_back()

    assert ran.returncode == 0, f"{block}\n{block.text}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"


def test_the_commands_run_and_those_marked_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    run, marked = (sum(len(block.commands) for block in some) for some in (RUN, MARKED))
    by_mark = {mark: sum(len(one.commands) for one in MARKED if one.mark == mark) for mark in {b.mark for b in MARKED}}
    with capsys.disabled():
        print(f"\nthe documents' commands: {run} run as written, {marked} marked: {by_mark}")

    assert run + marked == sum(len(block.commands) for block in ALL if block.is_runnable)
    assert run > marked
    assert NEEDS


def test_the_client_installs_its_command_into_any_environment(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    bin_folder = tmp_path / "venv" / "bin"
    subprocess.run([bin_folder / "pip", "install", "--quiet", "./topics_client"], cwd=ROOT, check=True)

    ran = subprocess.run(
        [bin_folder / "topics", "list"], cwd=tmp_path, env=plain(), capture_output=True, text=True, check=False
    )

    assert (ran.returncode, ran.stderr) == (2, "topics: there is no URL: give --url, or set TOPICS_URL\n")
