"""Sentences that many documents repeat: boilerplate, which makes topics of its own. NumPy and the standard library.

A sentence is repeated where enough documents have it word for word. So is a template, in documents of more than one
sentence: all words but one, where enough documents have these; and runs of RUN_WORDS words that enough documents have,
where they cover half of a sentence or more. What is repeated stays in the document of the smallest id, and what differs
stays everywhere. Numbers are no words, so sentences that differ in them alone are the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Keys = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]
WhereFirst = "Callable[[Keys, Ints], Ints]"

RUN_WORDS: Final = 5
LEAST_SENTENCE_WORDS: Final = 4
"""Lines of fewer words are names and headings: they tell what a document is about, however many have them."""
END: Final = -1
"""Stands between the sentences in a document's row of words."""
NOWHERE, HERE, ELSEWHERE = -1, 0, 1
"""Whether a key is repeated at all, and whether this document is the first that has it."""

_FACTOR: Final = 0x9E3779B97F4A7C15
_INVERSE: Final = pow(_FACTOR, -1, 1 << 64)
_OF_SENTENCES: Final = np.uint64(0xD6E8FEB86659FD93)
_OF_FRAMES: Final = np.uint64(0xA0761D6478BD642F)
_FILTER_BITS: Final = 16, 28
"""At least and at most: 256 MB, which a hundred million words do not fill."""


def hash_of(form: str) -> int:
    """Return eight bytes that stand for a surface form."""
    return int.from_bytes(hashlib.blake2b(form.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


@dataclass(frozen=True)
class Passages:
    """Sentences in a row, of one or more documents."""

    hashes: Keys
    """Of each word, without the ends."""
    starts: Ints
    """Where each sentence starts; none is empty."""
    lengths: Ints
    documents: Ints
    """The document of each sentence."""

    @classmethod
    def of(cls, words: Ints, documents: Ints, hashes: Keys) -> Passages:
        """Take words by number with END after each sentence, the document of each, and the hash of each number."""
        is_word = words != END
        ends = np.flatnonzero(~is_word)
        bounds = np.concatenate([[0], ends - np.arange(len(ends))])
        filled = np.flatnonzero(np.diff(bounds))
        return cls(hashes[words[is_word]], bounds[filled], np.diff(bounds)[filled], documents[ends[filled]])

    @cached_property
    def sentence_of_words(self) -> Ints:
        """The number of each word's sentence."""
        return np.repeat(np.arange(len(self.starts)), self.lengths)

    @cached_property
    def keys(self) -> tuple[Keys, Keys, Ints, Keys]:
        """Keys: of each sentence, of each word's sentence without it, of each run; before these their places."""
        number = len(self.hashes)
        powers, inverses = _powers(_FACTOR, number), _powers(_INVERSE, number)
        # A polynomial over the words, read off its running sum: the same words have the same key at any place.
        sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(self.hashes * powers, dtype=np.uint64)])
        ends = self.starts + self.lengths
        sentences = (sums[ends] - sums[self.starts]) * inverses[self.starts]
        firsts = np.repeat(self.starts, self.lengths)
        frames = np.repeat(sentences, self.lengths) - self.hashes * powers * inverses[firsts]
        frames += _OF_FRAMES * (np.arange(1, number + 1) - firsts).astype(np.uint64)
        places = np.flatnonzero(np.arange(number) + RUN_WORDS <= np.repeat(ends, self.lengths))
        runs = (sums[places + RUN_WORDS] - sums[places]) * inverses[places]
        return _mixed(sentences + _OF_SENTENCES), _mixed(frames), places, _mixed(runs)

    @cached_property
    def all_keys(self) -> tuple[Keys, Ints]:
        """The keys by which passages are compared, and the document of each."""
        sentences, frames, places, runs = self.keys
        long = self.lengths >= LEAST_SENTENCE_WORDS
        of_word = self.sentence_of_words
        framed = (self.lengths > LEAST_SENTENCE_WORDS)[of_word]
        of_runs = self.documents[of_word[places]]
        return (
            np.concatenate([sentences[long], frames[framed], runs]),
            np.concatenate([self.documents[long], self.documents[of_word[framed]], of_runs]),
        )

    def left_out(self, where_first: Callable[[Keys, Ints], Ints]) -> Truths:
        """Return which words are left out; `where_first` tells of keys and their documents where they come first."""
        sentences, frames, places, runs = self.keys
        of_word = self.sentence_of_words
        whole = where_first(sentences, self.documents)
        whole[self.lengths < LEAST_SENTENCE_WORDS] = NOWHERE
        of_runs = where_first(runs, self.documents[of_word[places]])
        repeated = _covered(places[of_runs != NOWHERE], len(self.hashes))
        elsewhere = _covered(places[of_runs == ELSEWHERE], len(self.hashes))
        is_template = 2 * np.add.reduceat(repeated.astype(np.int64), self.starts) >= self.lengths
        of_frames = where_first(frames, self.documents[of_word])
        of_frames[(self.lengths <= LEAST_SENTENCE_WORDS)[of_word]] = NOWHERE
        is_framed = np.maximum.reduceat(of_frames, self.starts) == ELSEWHERE
        of_template = (elsewhere & is_template[of_word]) | (is_framed[of_word] & (of_frames == NOWHERE))
        # A document that is one sentence is all that there is to tell what it is about: a title, say.
        _, numbers, sizes = np.unique(self.documents, return_inverse=True, return_counts=True)
        of_template &= (sizes[numbers] > 1)[of_word]
        return np.asarray(np.where(whole[of_word] == NOWHERE, of_template, whole[of_word] == ELSEWHERE))


@dataclass(frozen=True)
class Repeats:
    """The keys that enough documents have, in order, and the first document of each."""

    keys: Keys
    firsts: Ints

    @classmethod
    def find(cls, blocks: Callable[[], Iterable[Passages]], least: int, *, words: int) -> Repeats:
        """Find what `least` documents or more repeat; `blocks` reads all passages anew, each document in one block.

        What is held is a filter, a byte for some of the `words`, and the keys that pass it, which are few.
        """
        fewest_bits, most_bits = _FILTER_BITS
        mask = np.uint64((1 << min(max((4 * words).bit_length(), fewest_bits), most_bits)) - 1)
        often = np.zeros(int(mask) + 1, np.uint8)
        most = min(least, 255)
        for passages in blocks():
            slots, numbers = np.unique(passages.all_keys[0] & mask, return_counts=True)
            often[slots] = np.minimum(often[slots] + numbers, most)
        keys, counts, firsts = np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64)
        for passages in blocks():
            found, documents = passages.all_keys
            passing = often[found & mask] >= most
            found, documents = _distinct(found[passing], documents[passing])
            keys, places = np.unique(np.concatenate([keys, found]), return_inverse=True)
            joined = np.concatenate([counts, np.ones(len(found), np.int64)])
            counts = np.bincount(places, weights=joined, minlength=len(keys)).astype(np.int64)
            lowest = np.full(len(keys), np.iinfo(np.int64).max)
            np.minimum.at(lowest, places, np.concatenate([firsts, documents]))
            firsts = lowest
        return cls(keys[counts >= least], firsts[counts >= least])

    def where_first(self, keys: Keys, documents: Ints) -> Ints:
        """Return of each key whether it is repeated, and first in the document given."""
        where = np.full(len(keys), NOWHERE)
        # Most keys are none of these, which a filter tells sooner than a search.
        near = np.flatnonzero(self._filter[keys & np.uint64(len(self._filter) - 1)])
        places = np.minimum(np.searchsorted(self.keys, keys[near]), len(self.keys) - 1)
        repeated = self.keys[places] == keys[near]
        near, places = near[repeated], places[repeated]
        where[near] = np.where(self.firsts[places] == documents[near], HERE, ELSEWHERE)
        return where

    @cached_property
    def _filter(self) -> Truths:
        slots = np.zeros(1 << min(max((16 * len(self.keys)).bit_length(), _FILTER_BITS[0]), _FILTER_BITS[1]), np.bool_)
        slots[self.keys & np.uint64(len(slots) - 1)] = True
        return slots


def row_of(sentences: Iterable[Sequence[str]], number_of: Callable[[str], int]) -> list[int]:
    """Return a document's words by number, with END after each of its sentences."""
    row: list[int] = []
    for sentence in sentences:
        if sentence:
            row += map(number_of, sentence)
            row.append(END)
    return row


def _covered(places: Ints, number: int) -> Truths:
    steps = np.zeros(number + 1, np.int64)
    steps[places] += 1
    steps[places + RUN_WORDS] -= 1
    return np.cumsum(steps[:-1]) > 0


def _distinct(keys: Keys, documents: Ints) -> tuple[Keys, Ints]:
    order = np.lexsort((documents, keys))
    keys, documents = keys[order], documents[order]
    differs = np.ones(len(keys), np.bool_)
    differs[1:] = (keys[1:] != keys[:-1]) | (documents[1:] != documents[:-1])
    return keys[differs], documents[differs]


def _powers(factor: int, number: int) -> Keys:
    steps = np.full(number + 1, factor, np.uint64)
    steps[0] = 1
    return np.cumprod(steps, dtype=np.uint64)[:number] if number else steps[:0]


def _mixed(keys: Keys) -> Keys:
    # The low bits of a product know nothing of the factors' high ones, and the filter looks at low bits.
    mixed = (keys ^ (keys >> np.uint64(32))) * np.uint64(_FACTOR)
    return mixed ^ (mixed >> np.uint64(29))
