from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts import bundle
from training_scripts.script_mode import wheels

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files of requirements whose wheels are asked for; none is fetched."""
    files: list[str] = []

    def fetch(folder: Path, requirements: Sequence[str], **_: object) -> None:
        files.extend(requirements)
        folder.mkdir(parents=True)

    monkeypatch.setattr(wheels, "fetch", fetch)
    return files


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ([], ["requirements/spark-job.txt"]),
        (["--segmentation"], ["requirements/spark-job.txt", "requirements/segmentation.txt"]),
    ],
)
def test_what_parts_words_travels_to_spark_where_it_is_asked_for(
    tmp_path: Path, fetched: list[str], options: list[str], files: list[str]
) -> None:
    assert bundle.main(["--processor", "spark", *options, "--output", str(tmp_path / "bundle")]) == 0
    assert fetched == files


def test_what_parts_words_is_refused_where_nothing_prepares_a_corpus(
    fetched: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bundle.main(["--segmentation"]) == 2
    assert "--segmentation is for --processor spark" in capsys.readouterr().err
    assert fetched == []
