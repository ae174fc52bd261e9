from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from training_scripts.corpus import replacement
from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.replacement import replaced_folder

ROOT = Path(__file__).parents[3]
MARK = "mark"

KILLED_IN_THE_MIDDLE = """
import pathlib, sys
from training_scripts.corpus.replacement import replaced_folder
with replaced_folder(pathlib.Path(sys.argv[1]), recognised_by="mark") as new:
    (new / "mark").write_text("half")
    print("writing", flush=True)
    sys.stdin.read()
"""


def write(target: Path, content: str) -> None:
    with replaced_folder(target, recognised_by=MARK) as new:
        (new / MARK).write_text(content)


def write_half(target: Path) -> None:
    with replaced_folder(target, recognised_by=MARK) as new:
        (new / MARK).write_text("half")
        raise ZeroDivisionError


def test_a_folder_is_put_in_place_and_replaced(tmp_path: Path) -> None:
    write(tmp_path / "a" / "corpus", "one")
    write(tmp_path / "a" / "corpus", "two")

    assert (tmp_path / "a" / "corpus" / MARK).read_text() == "two"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["corpus"]


def test_where_names_cannot_be_exchanged_it_is_replaced_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacement, "_exchange", lambda one, other: False)
    write(tmp_path / "corpus", "one")
    write(tmp_path / "corpus", "two")

    assert (tmp_path / "corpus" / MARK).read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_a_fault_leaves_the_earlier_folder_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "corpus", "one")

    with pytest.raises(ZeroDivisionError):
        write_half(tmp_path / "corpus")

    assert (tmp_path / "corpus" / MARK).read_text() == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_a_killed_process_leaves_the_earlier_folder_and_the_next_cleans_up(tmp_path: Path) -> None:
    write(tmp_path / "corpus", "one")
    command = [sys.executable, "-c", KILLED_IN_THE_MIDDLE, str(tmp_path / "corpus")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / "corpus" / MARK).read_text() == "one"
    assert len(list(tmp_path.iterdir())) == 2

    write(tmp_path / "corpus", "two")

    assert (tmp_path / "corpus" / MARK).read_text() == "two"
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_a_folder_that_a_killed_process_had_moved_away_is_put_back(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / f".corpus.{ended.pid}.replaced").mkdir()
    (tmp_path / f".corpus.{ended.pid}.replaced" / MARK).write_text("one")

    with pytest.raises(ZeroDivisionError):
        write_half(tmp_path / "corpus")

    assert (tmp_path / "corpus" / MARK).read_text() == "one"


def test_what_another_running_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / f".corpus.{os.getppid()}.partial").mkdir()

    write(tmp_path / "corpus", "one")

    assert (tmp_path / f".corpus.{os.getppid()}.partial").is_dir()


def test_a_folder_that_is_something_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear").write_text("all")

    with pytest.raises(CorpusError, match="holds something else than a prepared corpus, so it is not replaced"):
        write(tmp_path / "letters", "one")

    assert (tmp_path / "letters" / "dear").read_text() == "all"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "corpus").symlink_to(tmp_path / "there")

    with pytest.raises(CorpusError, match="is not a folder"):
        write(tmp_path / "corpus", "one")
