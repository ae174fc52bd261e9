"""The blind judgement: anonymous items, and scores that other people's formulas give too."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from benchmarks.judgement import score, sheet
from benchmarks.judgement.items import Item, Key, Plan, TopicLists, encoded, make

ROOT = Path(__file__).parents[3]

PLAN = Plan((("ours", "theirs"),), pairs_of_corpus=4, rated=3, intruders=2)


def topics_of(model: str, seed: int = 0) -> TopicLists:
    words = [
        [f"t{topic}w{place}" for place in range(8)] + [f"{model}{topic}", f"{model}{topic}b"] for topic in range(6)
    ]
    return TopicLists(model=model, corpus="news", seed=seed, words=words if model == "ours" else words[::-1])


@pytest.fixture
def sheet_of_two() -> tuple[list[Item], Key]:
    return make([topics_of("ours"), topics_of("theirs")], PLAN, "secret")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    results = tmp_path / "results.jsonl"
    lists = [topics_of("ours"), topics_of("theirs")]
    results.write_text("".join(one.model_dump_json() + "\n" for one in lists) + '{"model": "tuned", "npmi": 1}\n')
    target = tmp_path / "sheet"
    assert sheet.main([str(results), "--pair", "ours:theirs", "--output", str(target)]) == 0
    return target


def answered(folder: Path, name: str, choices: dict[str, str], **more: object) -> Path:
    path = folder.parent / f"{name}.json"
    sha256 = json.loads((folder / "protocol.json").read_text())["items_sha256"]
    answers = {item: {"choice": choice, "name": "a name"} for item, choice in choices.items()}
    content = {"judge": name, "trained_models": False, "items_sha256": sha256, "answers": answers}
    path.write_text(json.dumps({**content, **more}))
    return path


def test_topics_are_paired_with_those_that_share_their_words(sheet_of_two: tuple[list[Item], Key]) -> None:
    items, _ = sheet_of_two

    pairs = [item for item in items if item.kind == "pair"]
    assert len(pairs) == 4
    assert all(first[:8] == second[:8] for first, second in (item.lists for item in pairs))


def test_an_item_does_not_tell_whose_it_is(folder: Path) -> None:
    seen = (folder / "items.json").read_text() + (folder / "protocol.json").read_text()
    secret = json.loads((folder / "key.json").read_text())["secret"]

    assert secret not in seen + (folder / "page.html").read_text()
    assert all(item.keys() == {"id", "kind", "lists"} for item in json.loads((folder / "items.json").read_text()))


def test_sides_and_order_are_shuffled_by_the_secret() -> None:
    lists = [topics_of("ours"), topics_of("theirs")]
    sheets = [make(lists, PLAN, str(secret)) for secret in range(20)]

    firsts = {key.entries[item.id].models[0] for items, key in sheets for item in items if item.kind == "pair"}
    assert firsts == {"ours", "theirs"}
    assert len({encoded(items) for items, _ in sheets}) == 20
    assert encoded(make(lists, PLAN, "3")[0]) == encoded(sheets[3][0])


def test_no_list_of_a_peer_comes_twice_though_two_seeds_found_it() -> None:
    lists = [topics_of(model, seed) for model in ("ours", "theirs") for seed in (0, 1)]

    items, _ = make(lists, Plan(PLAN.pairs, pairs_of_corpus=99, rated=0, intruders=0), "s")

    assert len(items) == 6


def test_an_intruder_is_no_word_of_the_topic(sheet_of_two: tuple[list[Item], Key]) -> None:
    items, key = sheet_of_two

    intruded = [item for item in items if item.kind == "intruder"]
    assert len(intruded) == 4
    for item in intruded:
        own = {word[:2] for word in item.lists[0] if word != key.entries[item.id].intruder}
        assert len(own) == 1
        assert key.entries[item.id].intruder in item.lists[0]


def test_answers_are_unblinded_and_counted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entries = json.loads((folder / "key.json").read_text())["entries"]
    items = json.loads((folder / "items.json").read_text())
    best, tied = {}, {}
    for item in items:
        entry = entries[item["id"]]
        if item["kind"] == "pair":
            best[item["id"]] = ("first", "second")[entry["models"].index("ours")]
            tied[item["id"]] = "tie"
        elif item["kind"] == "rate":
            best[item["id"]] = "3" if entry["models"] == ["ours"] else "1"
        else:
            best[item["id"]] = entry["intruder"]
    capsys.readouterr()

    code = score.main([str(folder), str(answered(folder, "ann", best)), str(answered(folder, "bob", tied))])

    said = capsys.readouterr().out
    assert code == 0
    assert "ours against theirs: 6 wins, 6 ties, 0 losses; wins of the decided 6 of 6" in said
    assert "rated good, ours: 6 of 6" in said
    assert "rated good, theirs: 0 of 6" in said
    assert "intruder told, ours: 6 of 6" in said
    assert "agreement of ann and bob: kappa 0.00" in said


@pytest.mark.parametrize("name", ["items.json", "key.json"])
def test_a_sheet_that_was_changed_after_its_protocol_is_refused(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = answered(folder, "ann", {})
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")

    assert score.main([str(folder), str(answers)]) == 2
    assert f"{name} is not the one whose hash protocol.json has" in capsys.readouterr().err


def test_answers_to_another_sheet_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert score.main([str(folder), str(answered(folder, "ann", {}, items_sha256="0" * 64))]) == 2
    assert "ann.json answers another sheet" in capsys.readouterr().err


def test_a_model_without_topics_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "results.jsonl").write_text(topics_of("ours").model_dump_json())

    code = sheet.main([str(tmp_path / "results.jsonl"), "--pair", "ours:NMF", "--output", str(tmp_path / "new")])

    assert code == 2
    assert "no topics of the model 'NMF': there are ours" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@given(st.integers(1, 300), st.data())
def test_the_interval_is_scipys(number: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, number))

    expected = binomtest(successes, number).proportion_ci(0.95, method="wilson")

    assert score.wilson(successes, number) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=4, max_size=40))
def test_the_agreement_is_scikit_learns(answers: list[tuple[str, str]]) -> None:
    one, other = ({str(n): pair[side] for n, pair in enumerate(answers)} for side in (0, 1))
    if len({*one.values(), *other.values()}) < 2:
        assert score.kappa(one, other) == 1
        return

    assert score.kappa(one, other) == pytest.approx(cohen_kappa_score(list(one.values()), list(other.values())))


def test_the_page_tells_what_the_published_answers_say(capsys: pytest.CaptureFixture[str]) -> None:
    folder = ROOT / "docs" / "benchmarks" / "judgement"
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")

    assert score.main([str(folder), *(str(folder / f"answers-{judge}.json") for judge in (1, 2))]) == 0

    said = capsys.readouterr().out
    assert "open NTM against open NTM, adadelta: 132 wins, 34 ties, 62 losses; wins of the decided 132 of 194" in said
    assert "| the job's default (adadelta) | 132, 34, 62 | .68 (.61 to .74) |" in page
    for peer, row in (("NMF", "NMF, plain lists"), ("NMF, our rule", "NMF, words by our rule"), ("Gibbs LDA",) * 2):
        wins, ties, losses = re.findall(
            rf"^{peer} against open NTM: (\d+) wins, (\d+) ties, (\d+)", said, re.MULTILINE
        )[0]
        assert f"| {row} | {losses}, {ties}, {wins} |" in page
    assert f"kappa is {re.findall('kappa 0([.0-9]+)', said)[0]}" in page
