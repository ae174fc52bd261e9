from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from matplotlib.figure import Figure

from explore.errors import ExploreError
from operations import stage_settings
from operations.sweep import command as sweep
from operations.sweep.jobs import Job, run_all
from operations.sweep.plot import draw
from operations.sweep.scores import Score, recommended, scores, stability
from tests.strangers import with_strangers
from training_scripts.corpus.progress import Progress
from training_scripts.ntm.artifact import read, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.explore.conftest import World

QUIET = Progress("test")
QUICK = ["--set", "epochs=2", "--set", "mini_batch_size=16", "--set", "encoder_layers=8"]


def point(
    topics: int, *, loss: float = 100.0, coherence: float = 0.3, uniqueness: float = 0.9, spread: float = 0.0
) -> Score:
    return Score((("num_topics", str(topics)),), [f"m{topics}"], loss, coherence, uniqueness, 0.5, spread)


def test_the_point_of_highest_quality_is_taken_and_the_reason_says_so() -> None:
    chosen, reason = recommended([point(10), point(20, coherence=0.4), point(30, coherence=0.35)])

    assert chosen.name == "num_topics=20"
    assert reason.endswith("the highest.")
    assert "0.180" in reason


def test_a_point_that_explains_the_documents_worse_is_not_taken_for_its_coherence() -> None:
    chosen, reason = recommended([point(10, loss=101.5, coherence=0.9), point(20), point(30, coherence=0.2)])

    assert chosen.name == "num_topics=20"
    assert reason.startswith("2 of 3 points")


def test_of_points_that_differ_less_than_seeds_do_the_smaller_model_is_taken() -> None:
    chosen, reason = recommended([point(10), point(20, coherence=0.31, spread=0.02)])

    assert chosen.name == "num_topics=10"
    assert "the smaller model is as good" in reason


def test_losses_of_other_numbers_of_topics_compare_whatever_the_divergence_weighs_in_training(
    world: World, tmp_path: Path
) -> None:
    known = read(world.model)
    jobs = sweep.plan([("num_topics", ["30", "100"])], sweep.TUTORIAL, 1, 50, tmp_path)
    for job, weight in zip(jobs, (1.0, 0.25), strict=True):
        loss = {"reconstruction": 38.0, "kl": 8 * weight, "total": 38 + 8 * weight}
        scored = {"losses": {"validation": loss}, "metrics": {"validation:npmi": 0.3, "validation:tu": 0.9}}
        write(
            job.model, known.arrays, {**known.document, **scored, "hyperparameters": {"kl_weight": str(weight)}}, None
        )

    assert [score.loss for score in scores(jobs)] == [46.0, 46.0]


def test_stability_is_1_for_the_same_topics_in_another_order_and_0_for_others() -> None:
    one = [["a", "b"], ["c", "d"]]

    assert stability([one, one[::-1]]) == 1.0
    assert stability([one, [["e", "f"], ["g", "h"]]]) == 0.0
    assert stability([one, [["a", "x"], ["c", "d"]]]) == pytest.approx((1 / 3 + 1) / 2)
    assert stability([one]) is None


def test_every_point_has_its_first_training_before_any_has_its_second(tmp_path: Path) -> None:
    jobs = sweep.plan([("num_topics", ["5", "6"])], sweep.TUTORIAL, 2, 50, tmp_path)

    assert [(job.point[0][1], job.seed) for job in jobs] == [("5", 0), ("6", 0), ("5", 1), ("6", 1)]
    assert len({job.name for job in jobs}) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--vary", "topics=3"], "hyperparameter 'topics' is unknown"),
        (["--vary", "num_topics=1"], "'num_topics' is '1', but should be 2 to 1000"),
        (["--vary", "num_topics=3,3"], "is no range"),
        (["--set", "epochs"], "is no setting"),
        (["--set", "num_topics=4"], "num_topics is both varied and set"),
        (["--corpus", "nowhere"], "holds no prepared corpus"),
        (["--stage", "none"], "stage is 'none'"),
        (["--stage", "dev", "--settings", "nowhere.json"], "settings file 'nowhere.json' cannot be read"),
        (["--on", "pipeline"], "--on pipeline needs --stage"),
        (["--on", "pipeline", "--stage", "dev", "--jobs", "2"], "--jobs and --budget-minutes are of trainings on this"),
    ],
)
def test_what_cannot_be_swept_is_one_sentence_before_any_training(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert sweep.main(["--corpus", str(world.corpus), "--out", str(tmp_path / "sweep"), *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "sweep").exists()


@pytest.mark.slow
def test_a_sweep_trains_scores_recommends_and_draws(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [
        "--corpus",
        str(world.corpus),
        "--out",
        str(tmp_path / "sweep"),
        "--vary",
        "num_topics=2,3",
        "--seeds",
        "1",
    ]
    assert sweep.main([*given, *QUICK]) == 0

    result = json.loads((tmp_path / "sweep" / sweep.RESULT).read_text())
    taken = result["recommended"]["point"]["num_topics"]
    assert result["corpus"] == world.manifest.corpus_hash
    assert [each["models"] for each in result["points"]] == [["num-topics-2-seed-0"], ["num-topics-3-seed-0"]]
    assert f"Take num_topics={taken}." in capsys.readouterr().out
    assert (tmp_path / "sweep" / "sweep.png").read_bytes().startswith(b"\x89PNG")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "sweep" / "jobs").rglob("model.json")}
    assert sweep.main([*given, *QUICK]) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "sweep" / "jobs").rglob("model.json")} == before


def test_a_training_that_was_interrupted_starts_over(world: World, tmp_path: Path) -> None:
    job = Job((("num_topics", "2"),), 0, {"feature_dim": "1", "num_topics": "2"}, tmp_path / "job")
    job.begin(world.manifest)
    job.model.mkdir()
    (job.model / "params.npz").write_bytes(b"half")
    assert not job.is_done(world.manifest)

    (job.model / "model.json").write_text("{}")
    assert job.is_done(world.manifest)


def test_a_model_of_other_hyperparameters_or_of_another_place_is_not_taken_for_the_jobs(
    world: World, tmp_path: Path
) -> None:
    job = Job((("num_topics", "2"),), 0, {"feature_dim": "1", "num_topics": "2"}, tmp_path / "job")
    job.begin(world.manifest)
    job.model.mkdir()
    (job.model / "model.json").write_text("{}")

    assert not replace(job, hyperparameters={"num_topics": "3"}).is_done(world.manifest)
    assert not replace(job, by="arn:machine").is_done(world.manifest)


def test_a_training_that_fails_ends_the_sweep_with_its_reason(world: World, tmp_path: Path) -> None:
    job = Job((("num_topics", "2"),), 0, {"feature_dim": "1", "num_topics": "2"}, tmp_path / "job")

    with pytest.raises(ExploreError, match="training job failed: ClientError"):
        run_all([job], world.corpus, world.manifest, at_a_time=1, budget_s=None, progress=QUIET)


def test_a_training_reads_the_manifests_files_and_no_others(world: World, tmp_path: Path) -> None:
    job = Job((("num_topics", "2"),), 0, {"feature_dim": "1", "num_topics": "2"}, tmp_path / "job")

    with pytest.raises(ExploreError):
        run_all(
            [job],
            with_strangers(world.corpus, tmp_path / "corpus"),
            world.manifest,
            at_a_time=1,
            budget_s=None,
            progress=QUIET,
        )

    data = job.root / "input" / "data"
    found = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}
    channels = ("train/", "validation/", "auxiliary/")
    assert found == {path for path in world.manifest.files if path.startswith(channels)}


def test_a_budget_that_is_over_starts_nothing(world: World, tmp_path: Path) -> None:
    job = Job((("num_topics", "2"),), 0, {}, tmp_path / "job")

    assert run_all([job], world.corpus, world.manifest, at_a_time=1, budget_s=0, progress=QUIET) == []
    assert not job.root.exists()


def test_no_models_are_no_scores() -> None:
    assert scores([]) == []


def test_what_is_not_varied_is_the_stages_own(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"training": {"hyperparameters": {"epochs": 7}}}))

    found = stage_settings.hyperparameters(file, "dev", documents=100)
    file.write_text('{"algorithm": "open"}')
    of_open = stage_settings.hyperparameters(file, "dev", documents=100)

    assert (found["epochs"], found["mini_batch_size"]) == ("7", "128")
    assert (of_open["optimizer"], of_open["mini_batch_size"]) == ("adam", "32")


def test_the_plot_takes_points_without_stability_and_says_which_models_and_corpus_made_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    save = Figure.savefig

    def noted(figure: Figure, *given: Any, **more: Any) -> None:
        drawn.append(figure)
        save(figure, *given, **more)

    monkeypatch.setattr(Figure, "savefig", noted)
    found = [replace(point(topics), stability=None) for topics in (10, 20)]
    draw(found, found[0], tmp_path / "sweep.png", corpus=world.manifest, by="this machine")

    assert (tmp_path / "sweep.png").stat().st_size > 1000
    [said] = [text.get_text() for text in drawn[0].texts if text.get_text().startswith("corpus")]
    assert f"corpus {world.manifest.corpus_hash[:12]}" in said
    assert "2 models of the NTM, trained by this machine; of the point taken: m10" in said
