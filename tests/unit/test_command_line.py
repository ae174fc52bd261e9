"""How every command line ends."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from training_scripts.command_line import Parser, in_a_sentence, sentence_of
from training_scripts.ntm import failure

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from training_scripts.command_line import in_a_sentence

@in_a_sentence("command")
def main() -> int:
    print("x" * 100)
    return 0

sys.exit(main())
"""


def test_a_refusal_names_its_reason_and_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    @in_a_sentence("command")
    def main() -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "build/part-0")

    assert main() == 2
    assert capsys.readouterr().err == "command: No space left on device: build/part-0\n"


def test_what_a_person_can_mend_is_a_sentence_and_another_fault_is_not_hidden(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @in_a_sentence("command", KeyError, LookupError)
    def main(error: Exception) -> int:
        raise error

    assert main(LookupError("there is none: make one")) == 2
    assert capsys.readouterr().err == "command: there is none: make one\n"
    with pytest.raises(ZeroDivisionError):
        main(ZeroDivisionError())


def test_an_interruption_says_what_it_leaves(capsys: pytest.CaptureFixture[str]) -> None:
    @in_a_sentence("command", interrupted="interrupted; the job goes on")
    def main() -> int:
        raise KeyboardInterrupt

    assert main() == 130
    assert capsys.readouterr().err == "command: interrupted; the job goes on\n"


@pytest.mark.parametrize("program", ["command", "python -m command", "python -m package.command"])
def test_an_argument_that_cannot_be_read_is_a_sentence_with_the_commands_name(
    program: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = Parser(prog=program)
    parser.add_subparsers(required=True, dest="what").add_parser("run").add_argument("--number", type=int)

    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["run", "--number", "x"])

    assert ended.value.code == 2
    assert capsys.readouterr().err == "command: argument --number: invalid int value: 'x'\n"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(OSError("only words"), "only words"), (OSError(), "OSError"), (TimeoutError(), "TimeoutError")],
)
def test_a_refusal_without_a_number_is_said_as_it_is(error: OSError, sentence: str) -> None:
    assert sentence_of(error) == sentence


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_output_that_is_full_is_a_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        finished = subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert (finished.returncode, finished.stderr) == (2, "command: No space left on device\n")


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        finished = subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False
        )

    assert (finished.returncode, finished.stderr) == (0, "")


def test_a_failure_on_a_full_disk_is_written_in_the_models_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    original = Path.write_text

    def while_there_is_a_model(path: Path, *arguments: str, **options: str) -> int:
        if (tmp_path / "model").exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return original(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", while_there_is_a_model)
    failure.write_failure(tmp_path, "AlgorithmError: OSError: No space left on device")

    assert (tmp_path / "output" / "failure").read_text() == "AlgorithmError: OSError: No space left on device"
