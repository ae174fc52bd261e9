"""What topics are called: words and labels from their own documents."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from training_scripts.ntm import topic_words
from training_scripts.ntm.coherence import Cooccurrence
from training_scripts.ntm.sums import Alone
from training_scripts.ntm.topic_words import OwnDocuments

KEY_WORDS = ["key", "cryptography", "cipher", "secret", "eventual", "the", "team", "game", "league", "ice"]
KEY, RARE, EVERYWHERE = 0, 4, 5


def own(counts: np.ndarray, weights: np.ndarray) -> OwnDocuments:
    matrix = csr_matrix(counts.astype(np.float32))
    return OwnDocuments(matrix, weights.astype(np.float32), Cooccurrence(matrix, cluster=Alone()), Alone())


@pytest.fixture
def two_topics() -> OwnDocuments:
    """Topic 0 has the words 0 to 3, topic 1 the words 6 to 9; word 4 is in two documents, word 5 in all."""
    rng = np.random.default_rng(0)
    counts = np.zeros((400, 10))
    counts[:200, 0:4] = rng.integers(0, 4, (200, 4))
    counts[200:, 6:10] = rng.integers(0, 4, (200, 4))
    counts[:2, RARE] = 1
    counts[:, EVERYWHERE] = 5
    counts[:, KEY] += np.arange(400) < 200
    weights = np.where(np.arange(400)[:, None] < 200, [0.8, 0.2], [0.2, 0.8])
    return own(counts, weights)


def decoder() -> tuple[np.ndarray, np.ndarray]:
    topics = np.full((2, 10), -1.0, np.float32)
    topics[0, :4], topics[1, 6:] = 2.0, 2.0
    topics[0, RARE] = 6.0
    background = np.log(np.array([5, 3, 3, 3, 0.01, 20, 5, 3, 3, 3], np.float32))
    return topics, background


def test_the_words_of_a_topics_documents_come_before_a_rare_one_that_the_decoder_raises_most(
    two_topics: OwnDocuments,
) -> None:
    topics, background = decoder()
    by_decoder = topic_words.by_decoder(topics, background).ids[0]

    named = topic_words.name(topics, background, two_topics, unseen_share=0.3).ids[0].tolist()

    assert by_decoder[0] == RARE
    assert named[0] == KEY
    assert named.index(RARE) > max(named.index(word) for word in range(4))


def test_a_word_that_every_document_has_is_no_topics_word_where_others_are_left() -> None:
    rng = np.random.default_rng(1)
    counts = np.zeros((300, 200))
    for document in range(300):
        mine = rng.choice(100, 30, replace=False) + (100 if document % 2 else 0)
        counts[document, mine] = 1
    counts[:, [0, 100]] = 9
    weights = np.where(np.arange(300)[:, None] % 2, [0.1, 0.9], [0.9, 0.1])
    topics = np.zeros((2, 200), np.float32)
    topics[:, [0, 100]] = 9

    named = topic_words.name(topics, np.zeros(200, np.float32), own(counts, weights), unseen_share=0.1)

    assert not {0, 100} & set(named.ids[:, : topic_words.SHOWN_WORDS].ravel().tolist())


def test_of_words_that_score_alike_those_that_occur_together_come_first() -> None:
    counts = np.zeros((600, 60))
    for document in range(300):
        # The words 0 to 9 come together, 10 to 29 one by one, each as often.
        counts[document, range(10)] = document % 20 == 0
        counts[document, 10 + document % 20] = 1
        counts[300 + document, 30 + document % 30] = 1
    weights = np.where(np.arange(600)[:, None] < 300, [0.9, 0.1], [0.1, 0.9])
    topics = np.zeros((2, 60), np.float32)
    topics[0, :30], topics[1, 30:] = 1, 1

    named = topic_words.name(topics, np.zeros(60, np.float32), own(counts, weights), unseen_share=1.0)

    assert set(named.ids[0, : topic_words.SHOWN_WORDS].tolist()) == set(range(10))


def test_a_topic_is_described_by_words_share_label_and_falling_weights(two_topics: OwnDocuments) -> None:
    named = topic_words.name(*decoder(), two_topics, unseen_share=0.3)
    labels = topic_words.labels(named, two_topics, KEY_WORDS)

    described = topic_words.describe(named, np.array([0.25, 0.75]), KEY_WORDS, labels)

    assert [topic["share"] for topic in described] == [0.25, 0.75]
    for topic in described:
        assert topic["weights"] == sorted(topic["weights"], reverse=True)
        assert sum(topic["weights"]) == pytest.approx(1, abs=1e-4)
        assert set(topic["label"].split(", ")) <= set(topic["words"])
    assert "key" in described[0]["label"].split(", ")


def test_topics_whose_documents_are_not_at_hand_have_no_label() -> None:
    described = topic_words.describe(topic_words.by_decoder(*decoder()), np.zeros(2), None, None)

    assert described[0]["words"][0] == str(RARE)
    assert "label" not in described[0]


def test_a_label_has_no_two_words_of_one_stem() -> None:
    counts = np.eye(4).repeat(50, axis=0)
    named = topic_words.Named(np.array([[0, 1, 2, 3]], np.int32), np.zeros((1, 4)))
    documents = own(counts, np.linspace(0, 1, 200)[:, None])

    [label] = topic_words.labels(named, documents, ["encryption", "encrypted", "encrypt", "cipher"])

    assert len(label.split(", ")) == 2
    assert "cipher" in label


def test_a_label_falls_back_to_the_first_two_words() -> None:
    named = topic_words.Named(np.array([[0, 1]], np.int32), np.zeros((1, 2)))

    assert topic_words.labels(named, own(np.eye(2), np.eye(2)[:, :1]), ["games", "gamer"]) == ["games, gamer"]


@given(seed=st.integers(0, 2**32 - 1), topics=st.integers(2, 12), words=st.integers(2, 60))
def test_labels_differ_and_are_of_two_or_three_of_the_topics_words(seed: int, topics: int, words: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.7, (40, words))
    weights = rng.dirichlet(np.ones(topics), 40)
    spelled = [f"{'abcdefgh'[word % 8]}{word}" for word in range(words)]
    documents = own(counts, weights)

    named = topic_words.name(
        rng.normal(size=(topics, words)).astype(np.float32), np.zeros(words, np.float32), documents, unseen_share=0.3
    )
    labels = topic_words.labels(named, documents, spelled)

    assert [set(row) for row in named.ids.tolist()] == [set(np.unique(row).tolist()) for row in named.ids]
    for label, row in zip(labels, named.ids, strict=True):
        assert 2 <= len(label.split(", ")) <= 3
        assert set(label.split(", ")) <= {spelled[word] for word in row[: topic_words.SHOWN_WORDS]}
    if words >= 10:
        assert len({frozenset(label.split(", ")) for label in labels}) == topics
