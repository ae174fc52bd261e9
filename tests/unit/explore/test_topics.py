from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from explore import confusion, grouping
from explore.errors import ExploreError
from explore.topics import Words, describe, hellinger
from explore.vectors import TopicVectors, load_topic_vectors
from tests.unit.explore.conftest import THEMES

if TYPE_CHECKING:
    from pathlib import Path

    from explore.topics import Topic
    from tests.unit.explore.conftest import World


@pytest.fixture(scope="module")
def vectors(vectors_file: Path) -> TopicVectors:
    return load_topic_vectors(vectors_file)


@pytest.fixture(scope="module")
def words(world: World) -> Words:
    return Words.read(world.model)


@pytest.fixture(scope="module")
def topics(world: World, words: Words, vectors: TopicVectors) -> list[Topic]:
    return describe(words, vectors, world.documents().known)


def test_a_topic_is_told_by_its_own_words_and_its_own_documents(topics: list[Topic], vectors: TopicVectors) -> None:
    for topic, theme in zip(topics, sorted(THEMES), strict=False):
        assert set(topic.words[:7]) == set(THEMES[theme])
        assert {vectors.labels[row] for row in topic.typical} == {theme}


def test_shares_sum_to_one_and_every_document_has_one_strongest_topic(
    topics: list[Topic], vectors: TopicVectors
) -> None:
    assert sum(topic.share for topic in topics) == pytest.approx(1)
    assert sum(topic.dominant for topic in topics) == len(vectors.ids)


def test_a_topic_and_its_double_are_each_others_nearest(topics: list[Topic]) -> None:
    assert (topics[0].nearest[0][0], topics[3].nearest[0][0]) == (3, 0)
    assert topics[0].nearest[0][1] < 0.2 < topics[0].nearest[1][1]


def test_hellinger_distance_is_that_of_its_definition() -> None:
    rows = np.random.default_rng(0).dirichlet(np.ones(6), 4)
    expected = [[np.sqrt(0.5 * ((np.sqrt(p) - np.sqrt(q)) ** 2).sum()) for q in rows] for p in rows]

    np.testing.assert_allclose(hellinger(rows), expected, atol=1e-7)


def test_hellinger_distance_is_1_without_common_words_and_0_of_the_same() -> None:
    distances = hellinger(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]))

    assert distances.tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]


def test_the_double_is_advised_to_be_merged_and_nothing_else(
    world: World, words: Words, topics: list[Topic], vectors: TopicVectors
) -> None:
    (advice,) = grouping.advise(words, topics, vectors, world.documents().known)

    assert advice.topics == (0, 3)
    assert set(advice.words[:7]) == set(THEMES["fruit"])
    assert "Each is the other's nearest" in advice.reason


def test_topics_whose_merger_would_lose_coherence_are_not_advised_to_merge(
    world: World, words: Words, topics: list[Topic], vectors: TopicVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "npmi", lambda counts, ids: np.array([topics[0].coherence - 0.5]))

    assert grouping.advise(words, topics, vectors, world.documents().known) == []


def test_the_tree_joins_the_double_first_and_keeps_it_beside(words: Words) -> None:
    tree = grouping.tree_of(words)

    assert sorted(tree.steps[0, :2].astype(int).tolist()) == [0, 3]
    assert abs(tree.order.index(0) - tree.order.index(3)) == 1
    assert sorted(tree.order) == [0, 1, 2, 3]


def test_labels_meet_their_topics(vectors: TopicVectors) -> None:
    found = confusion.confusion_of(vectors, [0, 1, 2, 3])

    assert found is not None
    assert dict(zip(found.labels, found.weights.argmax(axis=1).tolist(), strict=True)) == {
        theme: place for place, theme in enumerate(sorted(THEMES))
    }
    np.testing.assert_allclose(found.weights.sum(axis=1), 1, atol=1e-5)
    assert found.purity == 1.0
    assert found.sizes == [40, 40, 40]


def test_agreement_falls_to_nothing_where_labels_are_shuffled(vectors: TopicVectors) -> None:
    shuffled = np.random.default_rng(0).permutation(vectors.labels).tolist()
    found = confusion.confusion_of(replace(vectors, labels=shuffled), [0, 1, 2, 3])

    assert found is not None
    assert found.agreement < 0.1


def test_one_label_for_all_is_no_confusion(vectors: TopicVectors) -> None:
    assert confusion.confusion_of(replace(vectors, labels=[""] * len(vectors.labels)), [0, 1, 2, 3]) is None


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("model", "vectors are of model other"),
        ("corpus", "vectors are of corpus other"),
    ],
)
def test_vectors_of_another_model_or_corpus_are_refused(
    world: World, words: Words, vectors: TopicVectors, version: str, message: str
) -> None:
    changed = replace(vectors, model="other") if version == "model" else replace(vectors, corpus="other")

    with pytest.raises(ExploreError, match=message):
        describe(words, changed, world.documents().known)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExploreError, match=r"holds no model\.json"):
        Words.read(tmp_path)
