from __future__ import annotations

from pathlib import Path

import pytest

from explore.vectors import load_topic_vectors
from operations import fit
from tests.unit.explore.conftest import World

SMALL = ["--set", "num_topics=3", "--set", "epochs=3", "--set", "mini_batch_size=16"]


@pytest.mark.slow
def test_a_corpus_is_trained_on_and_explored_on_this_machine(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "fit"

    assert fit.main(["--corpus", str(world.corpus), "--out", str(out), *SMALL]) == 0

    found = load_topic_vectors(out / "vectors.parquet")
    assert (found.weights.shape, found.corpus) == ((120, 3), world.manifest.corpus_hash)
    assert (out / "topics.html").is_file()
    said = capsys.readouterr().out
    assert "3 topics" in said
    assert Path(said.split("folder")[1].strip()).joinpath("model.json").is_file()


def test_a_corpus_that_fills_no_batch_is_told_with_the_trainings_own_reason(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit.main(["--corpus", str(world.corpus), "--out", str(tmp_path), "--set", "num_topics=3"]) == 2
    assert "fewer than mini_batch_size 128" in capsys.readouterr().err


def test_a_hyperparameter_that_there_is_not_is_refused(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit.main(["--corpus", str(world.corpus), "--out", str(tmp_path), "--set", "topics=3"]) == 2
    assert "topics" in capsys.readouterr().err
