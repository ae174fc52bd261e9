from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from explore import __main__ as command
from explore import figures, study
from explore.errors import ExploreError
from explore.page import build, texts
from explore.page.build import page
from tests.unit.explore.conftest import study_of

if TYPE_CHECKING:
    from pathlib import Path

    from explore.study import Study
    from tests.unit.explore.conftest import World


@pytest.fixture
def inputs(world: World, vectors_file: Path) -> list[str]:
    """The command's arguments that name what it reads."""
    return ["--vectors", str(vectors_file), "--model", str(world.model), "--corpus", str(world.corpus)]


def data_of(content: bytes) -> dict[str, object]:
    found = re.search(rb'<script type="application/json" id="data">(.*?)</script>', content, re.DOTALL)
    assert found is not None
    data: dict[str, object] = json.loads(found[1])
    return data


def test_the_page_asks_no_network_and_says_so_to_the_browser(studied: Study) -> None:
    content = page(studied).decode()

    assert "default-src 'none'" in content
    assert not re.search(r"""(?:src|href|url\()\s*=?\s*["']?(?:https?:)?//""", content)
    assert "@@" not in content


def test_a_text_cannot_end_the_script_it_stands_in(studied: Study) -> None:
    evil = "</script><script>alert(1)</script><!--"
    content = page(replace(studied, texts=dict.fromkeys(studied.vectors.ids, evil)))

    assert content.count(b"</script>") == 3
    assert evil == data_of(content)["topics"][0]["typical"][0]["text"]  # type: ignore[index]


def test_the_page_says_which_model_and_corpus_made_it(studied: Study, world: World) -> None:
    data = data_of(page(studied))

    assert (data["model"], data["corpus"]) == (studied.vectors.model, world.manifest.corpus_hash)
    assert data["without"] == 2


def test_the_same_study_gives_the_same_bytes(studied: Study) -> None:
    assert page(studied) == page(studied)


def test_a_hundred_thousand_documents_fit_into_25_megabytes() -> None:
    assert len(page(study_of(100_000))) < 25_000_000


def texts_of(content: bytes) -> list[str]:
    found = re.search(rb'<script type="text/plain" id="texts">(.*?)</script>', content)
    assert found is not None
    return gzip.decompress(base64.b64decode(found[1])).decode().split("\0")


def test_the_page_has_whole_texts_in_the_order_of_its_points(studied: Study) -> None:
    nasty = {name: f"{name}\n\0<!--</script>@@texts@@\u2028{'long ' * 100}" for name in studied.vectors.ids}
    content = page(replace(studied, texts=nasty))

    assert texts_of(content) == [nasty[studied.vectors.ids[row]].replace("\0", " ") for row in studied.rows]
    assert data_of(content)["texts"] == {"excerpt": None, "most": 20_000_000}


def test_texts_that_take_too_much_are_excerpts_and_the_page_says_how_long(
    studied: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = {name: f"{name} {'word ' * 1000}" for name in studied.vectors.ids}
    whole = page(replace(studied, texts=long))
    monkeypatch.setattr(texts, "MOST_BYTES", len(gzip.compress("\0".join(texts_of(whole)).encode())) - 1)
    content = page(replace(studied, texts=long))

    excerpt = data_of(content)["texts"]["excerpt"]  # type: ignore[index]
    assert excerpt == 2000
    assert {len(text) for text in texts_of(content)} == {excerpt}


def test_a_page_that_is_too_large_without_its_texts_is_refused(studied: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "MOST_BYTES", 1000)

    with pytest.raises(ExploreError, match=r"without its texts, where 1,000 is the most"):
        page(studied)


def test_every_documents_nearest_are_those_of_an_exact_search(studied: Study) -> None:
    roots = np.sqrt(studied.vectors.weights[studied.rows].astype(np.float64))
    exact = np.sqrt(np.maximum(0, 1 - roots @ roots.T))
    np.fill_diagonal(exact, np.inf)

    np.testing.assert_allclose(studied.distances, np.sort(exact, axis=1)[:, :5], atol=2e-3)
    np.testing.assert_allclose(
        np.take_along_axis(exact, studied.nearest.astype(int), axis=1), studied.distances, atol=2e-3
    )


def test_of_more_documents_than_a_map_takes_a_sample_is_shown(
    inputs: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "MOST_POINTS", 50)
    assert command.main([*inputs, "--out", str(tmp_path)]) == 0

    data = data_of((tmp_path / command.PAGE).read_bytes())
    assert data["points"]["number"] == 50  # type: ignore[index]
    assert data["documents"] == 120


def test_the_map_is_kept_for_the_next_run(inputs: list[str], tmp_path: Path) -> None:
    command.main([*inputs, "--out", str(tmp_path)])
    first = (tmp_path / command.PAGE).read_bytes()
    (kept,) = tmp_path.glob("map-tsne-*.npy")
    np.save(kept, np.random.default_rng(0).random((120, 2)).astype(np.float32))
    command.main([*inputs, "--out", str(tmp_path)])

    assert (tmp_path / command.PAGE).read_bytes() != first


def test_every_figure_is_a_png(studied: Study, tmp_path: Path) -> None:
    written = figures.write(studied, tmp_path)

    assert [path.name for path in written] == [
        "map-topics.png",
        "map-labels.png",
        "topics.png",
        "labels.png",
        "groups.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in written)
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in written}


def test_documents_without_labels_have_no_figures_of_labels(studied: Study, tmp_path: Path) -> None:
    unlabelled = replace(studied, confusion=None)

    assert [path.name for path in figures.write(unlabelled, tmp_path)] == ["map-topics.png", "topics.png", "groups.png"]


@pytest.mark.parametrize(
    ("option", "message"), [("--vectors", "nowhere is not there"), ("--model", "nowhere holds no model.json")]
)
def test_what_cannot_be_shown_is_one_sentence_and_exit_code_2(
    inputs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, message: str
) -> None:
    assert command.main([*inputs, "--out", str(tmp_path / "out"), option, "nowhere"]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
