from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.topics import corpora, run, space
from training_scripts.corpus.preparation import prepare
from training_scripts.corpus.progress import Progress
from training_scripts.corpus.settings import PreparationSettings
from training_scripts.corpus.sources import JsonLines

if TYPE_CHECKING:
    from pathlib import Path

FIT = {"model": "NMF", "corpus": "20newsgroups", "part": "test", "topics": 30, "seed": 0, "settings": {}}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "results.jsonl"
    monkeypatch.setattr(run, "RESULTS", path)
    return path


def measured(wanted: dict[str, Any]) -> dict[str, Any]:
    return {**wanted, "cpu_s": 1.0, "npmi": 0.5}


def test_what_was_measured_is_not_measured_again(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results.write_text(json.dumps(measured(FIT)) + "\n")
    asked: list[dict[str, Any]] = []

    def measure(wanted: dict[str, Any]) -> dict[str, Any]:
        asked.append(wanted)
        return measured(wanted)

    monkeypatch.setattr(run, "_measured", measure)

    records = run.Runner(1).run("score", [FIT, {**FIT, "seed": 1}])

    assert [record["seed"] for record in records] == [0, 1]
    assert [wanted["seed"] for wanted in asked] == [1]
    assert len(results.read_text().splitlines()) == 2


def test_a_report_of_what_is_known_measures_nothing(results: Path) -> None:
    results.write_text(json.dumps(measured(FIT)) + "\n")

    assert run.Runner(1, only_known=True).run("score", [FIT, {**FIT, "seed": 1}]) == [measured(FIT)]


def test_every_tuned_model_has_the_same_number_of_trials_each_another_and_the_first_its_default() -> None:
    for model in space.SPACES:
        drawn = space.trials(model, run.FULL.trials)

        assert len({json.dumps(settings, sort_keys=True) for settings in drawn}) == run.FULL.trials
        assert drawn[0] == space.DEFAULTS[model]


def test_models_that_the_bounds_compare_may_not_be_left_out(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["run", "--models", "open NTM", "Gibbs LDA", "NMF"])

    with pytest.raises(SystemExit) as ended:
        run.main()

    assert ended.value.code == 2
    assert "--models leaves out open NTM, adadelta" in capsys.readouterr().err
    assert not results.exists()


def test_documents_of_few_known_words_are_left_out_of_each_part_with_their_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = tmp_path / "documents.jsonl"
    rows = [{"text": "apple banana " * half, "label": f"{2 * half}"} for half in (3, 5, 8) * 12]
    documents.write_text("\n".join(json.dumps({**row, "id": f"{number}"}) for number, row in enumerate(rows)))
    folder = tmp_path / "20newsgroups"
    source = JsonLines(documents, text_field="text", label_field="label", id_field="id")
    prepare(source, PreparationSettings(max_df=1.0, train_shards=1, repeated_sentences=0), folder, Progress("prepare"))
    monkeypatch.setattr(corpora, "FOLDER", tmp_path)

    known = corpora.load("20newsgroups-known")

    every = corpora.load("20newsgroups")
    assert set(known.train.labels) == {"10", "16"}
    for part, before in zip(
        (known.train, known.validation, known.test), (every.train, every.validation, every.test), strict=True
    ):
        assert len(part.labels) == sum(label != "6" for label in before.labels)
        assert [f"{words:.0f}" for words in part.counts.sum(axis=1).A1] == list(part.labels)
        assert len(part.ids) == len(part.labels)
