"""What a topic is called: its words and its label, chosen for people. NumPy and SciPy only.

People know a topic by words that are frequent in it, that its own documents use more than others, and that belong
together. The decoder alone knows the first; the documents in which a topic weighs more than it does on the mean tell
the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations
from typing import TYPE_CHECKING, Final, NamedTuple, NotRequired, TypedDict

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from training_scripts.ntm.coherence import Cooccurrence, Ids, top_word_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from training_scripts.ntm.sums import Cluster

Matrix = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

RULE: Final = "own-documents-1"
"""Names how words and labels are chosen, in model.json. A model without it lists what `relevance` ranks first."""
SHOWN_WORDS: Final = 10
LABEL_WORDS: Final = 3
BACKGROUND_SHARE: Final = 0.25
_DECODER_SHARE: Final = 0.4
_FREQUENCY_SHARE: Final = 0.4
"""How much of a word's frequency everywhere is taken out: all of it leaves rare words in front, none the frequent."""
_MOST_DOCUMENT_WORDS: Final = 60.0
_BACKGROUND_TOKENS: Final = 20.0
_LEAST_LIFT: Final = np.log(2.5)
_LEAST_CANDIDATES: Final = 40
_POOL: Final = 25
_COHERENCE: Final = 2.5
_ROUNDS: Final = 3
_UNSEEN_COUNT: Final = 0.5
_THIRD_WORD: Final = 0.25
"""A label's third word covers at least this share of what its first does."""
_STEM: Final = 4


class TopicEntry(TypedDict):
    """One topic in model.json."""

    id: int
    label: NotRequired[str]
    share: float
    words: list[str]
    weights: list[float]


class Named(NamedTuple):
    """The words of topics, best first, and their scores: (topics, n) each, n at least the words shown if there are."""

    ids: Ids
    scores: Floats


def relevance(topics: Matrix, background: Matrix, share: float = BACKGROUND_SHARE) -> Matrix:
    """Return how telling each word is of each topic by the decoder alone, shape (topics, words).

    The decoder is softmax(theta B + b): b holds how frequent each word is anyway, B how much more likely the topic
    makes it. B alone would lead with words that are rare elsewhere, B + b with words that are frequent everywhere;
    B + share * b is the relevance of Sievert and Shirley 2014 (LDAvis), with lambda = share. Of a model whose documents
    are not at hand these are the words shown, at their lambda of 0.25.
    """
    return topics + np.float32(share) * background


def ranked_ids(topics: Matrix, background: Matrix, number: int, share: float = BACKGROUND_SHARE) -> Ids:
    """Return each topic's `number` most relevant words by the decoder alone, best first, shape (topics, number)."""
    return top_word_ids(relevance(topics, background, share), number)


def by_decoder(topics: Matrix, background: Matrix) -> Named:
    """Return the words of topics whose documents are not at hand."""
    ids = ranked_ids(topics, background, SHOWN_WORDS)
    scores = np.take_along_axis(relevance(topics, background), ids, axis=1)
    return Named(ids, scores.astype(np.float64))


@dataclass(frozen=True)
class OwnDocuments:
    """Training documents, and how much each is of each topic.

    Attributes:
        counts: word counts of this instance's documents, (documents, words).
        weights: topic weights of the same, (documents, topics).
        cooccurrence: of the words in them, over all instances.
        cluster: adds up over the instances.
    """

    counts: csr_matrix
    weights: Matrix
    cooccurrence: Cooccurrence
    cluster: Cluster

    def excess(self) -> Matrix:
        """Return by how much each topic's weight in each document is above its mean; 0 where it is not."""
        sums = np.append(self.weights.sum(axis=0, dtype=np.float64), self.weights.shape[0])
        sums = self.cluster.sum(sums)
        return np.asarray(np.maximum(self.weights - (sums[:-1] / max(sums[-1], 1.0)).astype(np.float32), 0))


def name(topics: Matrix, background: Matrix, own: OwnDocuments, *, unseen_share: float) -> Named:
    """Choose the words of each topic.

    A word's score is .4 (log phi - .4 log p) + .6 (E - .4 log q): phi is the topic's distribution over words, p the
    words' shares of all counts, q those of the damped counts log2(1 + c), of which a document has 60 at most, and E the
    log of their shares in the topic's own documents, with 20 background tokens. Of the 25 best words that these use 2.5
    times as much as all, those come first that also occur with the others: 2.5 times their mean expected NPMI is added,
    over the 25 once, and then over the ten best three times.

    Args:
        topics: decoder B, (topics, words).
        background: decoder b, (words,).
        own: the training documents.
        unseen_share: of `coherence.expected_npmi`.
    """
    excess = own.excess()
    pool, scores = _pool(topics, background, own, excess)
    npmi = own.cooccurrence.expected_npmi(pool, unseen_share).astype(np.float64)
    width = pool.shape[1]
    chosen = np.ones(pool.shape)
    for _ in range(1 + _ROUNDS):
        others = np.maximum(chosen.sum(axis=1, keepdims=True) - chosen, 1)
        total = scores + _COHERENCE * np.einsum("kij,kj->ki", npmi, chosen) / others
        order = np.argsort(-total, axis=1, kind="stable")
        chosen = np.zeros(pool.shape)
        np.put_along_axis(chosen, order[:, : min(SHOWN_WORDS, width)], 1, axis=1)
    return Named(np.take_along_axis(pool, order, axis=1), np.take_along_axis(total, order, axis=1))


def labels(named: Named, own: OwnDocuments, words: Sequence[str] | None) -> list[str]:
    """Return a label for each topic: two or three of its words that cover its own documents between them.

    Each is the word that most of the weight not yet covered has, set against how many documents have it at all; none
    has the stem of another. No two labels are of the same words.
    """
    ids = named.ids[:, :SHOWN_WORDS]
    spelled = [[words[word] if words else str(word) for word in row] for row in ids.tolist()]
    present = own.counts.astype(bool).tocsc()
    left = own.excess().T.copy()
    holding = np.stack([np.asarray(present[:, row].sum(axis=0), np.float64).ravel() for row in ids])
    everywhere = np.sqrt(np.maximum(own.cluster.sum(holding), 1.0))
    chosen: list[list[int]] = [[] for _ in ids]
    firsts = np.zeros(len(ids))
    for step in range(LABEL_WORDS):
        covered = np.stack([present[:, row].T @ left[topic] for topic, row in enumerate(ids)]).astype(np.float64)
        gains = own.cluster.sum(covered) / everywhere
        for topic, gain in enumerate(gains):
            stems = {_stem(spelled[topic][place], words) for place in chosen[topic]}
            free = [place for place, word in enumerate(spelled[topic]) if _stem(word, words) not in stems]
            best = max(free, key=gain.__getitem__, default=None)
            firsts[topic] = gain[best] if best is not None and not step else firsts[topic]
            if best is None or (step + 1 == LABEL_WORDS and gain[best] < _THIRD_WORD * firsts[topic]):
                continue
            chosen[topic].append(best)
            left[topic][present[:, ids[topic, best]].indices] = 0
    return list(_distinct(spelled, chosen))


def describe(
    named: Named, shares: npt.NDArray[np.floating], words: Sequence[str] | None, labels: Sequence[str] | None
) -> list[TopicEntry]:
    """Return the topics as model.json lists them.

    Args:
        named: the topics' words.
        shares: mean topic weight over the training documents, (topics,).
        words: by feature id; None names a word by its id.
        labels: of the topics, if they have any.
    """
    scores = named.scores[:, :SHOWN_WORDS].astype(np.float64)
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = raised / raised.sum(axis=1, keepdims=True)
    entries = [
        TopicEntry(
            id=topic,
            share=round(float(shares[topic]), 6),
            words=[words[word] if words else str(word) for word in row],
            weights=[round(float(weight), 6) for weight in weights[topic]],
        )
        for topic, row in enumerate(named.ids[:, :SHOWN_WORDS].tolist())
    ]
    for entry, label in zip(entries, labels or (), strict=False):
        entry["label"] = label
    return entries


def _pool(topics: Matrix, background: Matrix, own: OwnDocuments, excess: Matrix) -> tuple[Ids, Floats]:
    """Return each topic's candidates and their scores, (topics, _POOL)."""
    damped = _damped(own.counts)
    plain = _shares(own.cluster.sum(np.asarray(own.counts.sum(axis=0), np.float64).ravel()))
    even = _shares(own.cluster.sum(np.asarray(damped.sum(axis=0), np.float64).ravel()))
    in_own = own.cluster.sum(np.asarray(damped.T @ excess, np.float64).T)
    candidates, width = min(_LEAST_CANDIDATES, topics.shape[1]), min(_POOL, topics.shape[1])
    pool = np.zeros((topics.shape[0], width), np.int32)
    scores = np.zeros(pool.shape)
    # A topic at a time: all in double precision would take more memory than training did.
    for topic, preferences in enumerate(topics):
        logits = preferences.astype(np.float64) + background
        phi = logits - logits.max()
        phi -= np.log(np.exp(phi).sum())
        log_own = np.log((in_own[topic] + _BACKGROUND_TOKENS * even) / (in_own[topic].sum() + _BACKGROUND_TOKENS))
        lift = log_own - np.log(even)
        score = _DECODER_SHARE * (phi - _FREQUENCY_SHARE * np.log(plain))
        score += (1 - _DECODER_SHARE) * (log_own - _FREQUENCY_SHARE * np.log(even))
        is_candidate = lift >= _LEAST_LIFT
        if is_candidate.sum() < candidates:
            is_candidate = np.zeros(len(lift), np.bool_)
            is_candidate[np.argsort(-lift, kind="stable")[:candidates]] = True
        pool[topic] = np.argsort(np.where(is_candidate, -score, np.inf), kind="stable")[:width]
        scores[topic] = score[pool[topic]]
    return pool, scores


def _damped(counts: csr_matrix) -> csr_matrix:
    """Return log2(1 + counts), of which no document has more than _MOST_DOCUMENT_WORDS."""
    data = np.log2(1.0 + counts.data)
    damped = csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)
    totals = np.asarray(damped.sum(axis=1)).ravel()
    damped.data *= np.repeat(np.minimum(1.0, _MOST_DOCUMENT_WORDS / np.maximum(totals, 1e-9)), np.diff(counts.indptr))
    return damped


def _shares(totals: Floats) -> Floats:
    raised = totals + _UNSEEN_COUNT
    return np.asarray(raised / raised.sum())


def _distinct(spelled: Sequence[Sequence[str]], chosen: Sequence[Sequence[int]]) -> Iterator[str]:
    """Return the labels of the chosen places, in the words' order; other words where another topic has that label."""
    taken: set[frozenset[str]] = set()
    for words, places in zip(spelled, chosen, strict=True):
        first = tuple(words[place] for place in sorted(places)) if len(places) > 1 else tuple(words[:2])
        others = chain(combinations(words, LABEL_WORDS), combinations(words, 2))
        label = next((one for one in chain([first], others) if frozenset(one) not in taken), first)
        taken.add(frozenset(label))
        yield ", ".join(label)


def _stem(word: str, words: Sequence[str] | None) -> str:
    return word[:_STEM] if words else word
