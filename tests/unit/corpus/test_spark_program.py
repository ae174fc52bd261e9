"""What the Spark container starts: the bundle's code, and its wheels where they are for the Python that is there."""

from __future__ import annotations

import json
import os
import sys
import types
import zipfile
from pathlib import Path

import pytest

from training_scripts.script_mode.entry import prepare_corpus

THIS = f"{sys.version_info.major}.{sys.version_info.minor}"


def bundle(folder: Path, python_version: str) -> Path:
    """A bundle with one wheel, of one module."""
    (folder / "wheels").mkdir(parents=True)
    (folder / "bundle.json").write_text(json.dumps({"python_version": python_version}))
    with zipfile.ZipFile(folder / "wheels" / "made_up-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("made_up_of_the_bundle.py", "HERE = __file__\n")
    return folder


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the preparation is told, which is not run here."""
    arguments: list[str] = []

    def prepare(given: list[str]) -> int:
        arguments.extend(given)
        return 0

    stand_in = types.ModuleType("prepare")
    stand_in.main = prepare  # type: ignore[attr-defined]
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "/before")
    monkeypatch.setitem(sys.modules, "training_scripts.spark.prepare", stand_in)
    monkeypatch.setattr("training_scripts.spark.prepare", stand_in, raising=False)
    return arguments


def test_wheels_come_before_what_the_container_has_here_and_where_executors_work(
    tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare_corpus, "HERE", bundle(tmp_path / "bundle", THIS))

    assert prepare_corpus.main(["documents"]) == 0

    archive, _, name = told[2].partition("#")
    path = os.environ["PYTHONPATH"].split(os.pathsep)
    assert (told[:2], name) == (["documents", "--archive"], "packages")
    assert zipfile.ZipFile(archive).namelist() == ["made_up_of_the_bundle.py"]
    assert (Path(path[1]) / "made_up_of_the_bundle.py").is_file()
    assert (path[0], path[2:]) == (str(tmp_path / "bundle"), ["packages", "/before"])
    assert sys.path[:3] == path[:3]


def test_wheels_for_another_python_are_left_alone_and_that_is_said(
    tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prepare_corpus, "HERE", bundle(tmp_path / "bundle", "3.1"))

    assert prepare_corpus.main(["documents"]) == 0

    assert told == ["documents"]
    assert "wheels are for another Python than this" in capsys.readouterr().out
