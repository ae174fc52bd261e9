from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from explore import similar
from explore.errors import ExploreError
from explore.similar import find, index_of, load, save
from explore.topics import hellinger
from explore.vectors import TopicVectors, load_topic_vectors

if TYPE_CHECKING:
    from pathlib import Path


def made_up(documents: int, topics: int = 30) -> TopicVectors:
    weights = np.random.default_rng(0).dirichlet(np.full(topics, 0.2), documents).astype(np.float32)
    ids = [f"d{number}" for number in range(documents)]
    return TopicVectors(weights, ids, ["x"] * documents, "m", "c" * 64, {})


def test_ninety_nine_of_a_hundred_neighbours_are_those_of_exact_search() -> None:
    vectors = made_up(5000)
    index = index_of(vectors)
    queries = np.random.default_rng(1).dirichlet(np.full(30, 0.2), 200).astype(np.float32)
    roots = np.sqrt(vectors.weights)
    hits = 0
    for query in queries:
        exact = np.argsort(((roots - np.sqrt(query)) ** 2).sum(axis=1))[:10]
        hits += len({f"d{row}" for row in exact} & {found.id for found in index.of_weights(query)})

    assert hits / 2000 >= 0.99


def test_distances_are_hellinger_and_the_nearest_come_first() -> None:
    vectors = made_up(50)
    found = index_of(vectors).of_document("d7", 49)
    expected = hellinger(vectors.weights.astype(np.float64))[7]

    assert [similar.distance for similar in found] == sorted(similar.distance for similar in found)
    for each in found:
        assert each.distance == pytest.approx(expected[int(each.id[1:])], abs=1e-3)


def test_a_document_is_not_similar_to_itself() -> None:
    found = index_of(made_up(50)).of_document("d7")

    assert len(found) == 10
    assert "d7" not in {each.id for each in found}


def test_similar_documents_have_the_same_label(vectors_file: Path) -> None:
    vectors = load_topic_vectors(vectors_file)
    index = index_of(vectors)

    for name, label in zip(vectors.ids, vectors.labels, strict=True):
        assert {each.label for each in index.of_document(name)} == {label}


def test_the_command_builds_an_index_that_is_found_again(
    vectors_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "similar.zip"
    for _ in range(2):
        assert similar.main(["index", "--vectors", str(vectors_file), "--index", str(file)]) == 0
    assert "120 documents of 4 topics" in capsys.readouterr().out

    assert similar.main(["find", "d000", "--number", "3", "--index", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(line.endswith("fruit") for line in lines)
    assert load(file).model == load_topic_vectors(vectors_file).model


@pytest.mark.parametrize(("fault", "message"), [("none", "is not there"), ("cut", "is damaged")])
def test_an_index_that_is_not_whole_is_refused(tmp_path: Path, fault: str, message: str) -> None:
    file = tmp_path / "similar.zip"
    if fault != "none":
        save(index_of(made_up(50)), file)
        file.write_bytes(file.read_bytes()[:-100])

    with pytest.raises(ExploreError, match=message):
        load(file)


def test_what_is_not_in_the_index_is_one_sentence() -> None:
    with pytest.raises(ExploreError, match="has no document 'nobody'"):
        find(index_of(made_up(20)), "nobody")


def test_a_number_that_cannot_be_given_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert similar.main(["find", "d000", "--number", "0", "--index", str(tmp_path / "similar.zip")]) == 2
    assert capsys.readouterr().err == "similar: --number is 0, allowed are 1 to 50\n"


def test_a_file_of_something_else_is_not_replaced(
    vectors_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("dear")

    assert similar.main(["index", "--vectors", str(vectors_file), "--index", str(letter)]) == 2
    assert "holds something else" in capsys.readouterr().err
    assert letter.read_text() == "dear"
