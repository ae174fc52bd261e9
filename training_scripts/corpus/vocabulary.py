"""The vocabulary: which words are counted, and which id each surface form has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.reading.word_lists import LEAST_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy.typing as npt

    KeysOf = Callable[[Iterable[str]], Mapping[str, str | None]]


@dataclass(frozen=True)
class Vocabulary:
    """Words in id order, and the id of every surface form that counts as one of them.

    `stop_forms` are the surface forms that were left out as stop words: a text that has them has nothing unknown.
    """

    words: tuple[str, ...]
    form_ids: dict[str, int]
    stop_forms: frozenset[str] = frozenset()

    def count(self, counts: csr_matrix, forms: Sequence[str]) -> csr_matrix:
        """Turn counts of forms (documents, forms) into counts of words (documents, words), int64."""
        ids = np.array([self.form_ids.get(form, -1) for form in forms], dtype=np.int64)
        return _merged(counts, ids, len(self.words))

    def encoded(self) -> bytes:
        """Return the bytes of `vocab.txt`: one word a line, in id order."""
        return "".join(f"{word}\n" for word in self.words).encode()


def choose(
    counts: csr_matrix,
    forms: Sequence[str],
    in_training: npt.NDArray[np.bool_],
    keys_of: KeysOf,
    *,
    max_features: int,
    max_df: float,
    min_df: int,
) -> Vocabulary:
    """Choose the words that most training documents have, among those that enough and not too many have.

    A word is all forms of one key. It is written as its most frequent form, as people know it: of a dictionary's
    lemma they may think of something else. Ids are in the order of the words.

    Args:
        counts: shape (documents, forms).
        forms: the surface forms, the columns of `counts`.
        in_training: which documents may decide; all give forms.
        keys_of: gives each form its key, None for a stop word.
        max_features: the most words; of words in equally many documents the alphabetically first are taken.
        max_df: the greatest share of the training documents that may have a word.
        min_df: the least number of training documents that must have it.

    Raises:
        CorpusError: fewer than two words are left.
    """
    key_of_form = keys_of(forms)
    keys = [key_of_form[form] for form in forms]
    distinct = sorted({key for key in keys if key is not None})
    number_of = {key: number for number, key in enumerate(distinct)}
    key_numbers = np.array([-1 if key is None else number_of[key] for key in keys], dtype=np.int64)
    words = _display_words(distinct, forms, key_numbers, np.asarray(counts.sum(axis=0)).ravel())
    by_key = _merged(counts[np.flatnonzero(in_training)], key_numbers, len(distinct))
    frequencies = np.bincount(by_key.indices, minlength=len(distinct))
    most = max_df * int(in_training.sum())
    eligible = [number for number, df in enumerate(frequencies.tolist()) if df >= max(1, min_df) and df <= most]
    chosen = sorted(sorted(eligible, key=lambda number: (-frequencies[number], words[number]))[:max_features])
    chosen.sort(key=lambda number: words[number])
    if len(chosen) < LEAST_WORDS:
        raise CorpusError(too_few(len(chosen), len(distinct), max_df=max_df, min_df=min_df))
    ids = {number: position for position, number in enumerate(chosen)}
    form_ids = {form: ids[number] for form, number in zip(forms, key_numbers.tolist(), strict=True) if number in ids}
    return Vocabulary(tuple(words[number] for number in chosen), form_ids, _stop_forms(key_of_form, form_ids))


def too_few(chosen: int, found: int, *, max_df: float, min_df: int) -> str:
    """Return the sentence that refuses a vocabulary of no or one word."""
    return (
        f"the vocabulary has {chosen} word{'' if chosen == 1 else 's'}, where at least {LEAST_WORDS} are "
        f"needed: {found:,} words were found, and kept if in {min_df} documents or more "
        f"and in {max_df:.0%} of them or fewer"
    )


def freeze(words: Sequence[str], forms: Sequence[str], keys_of: KeysOf) -> Vocabulary:
    """Meet the surface forms of new documents with given words: a form that is a word, or has the key of one."""
    id_of_word = {word: number for number, word in enumerate(words)}
    key_of = keys_of([*forms, *words])
    id_of_key: dict[str, int] = {}
    for number, word in enumerate(words):
        key = key_of[word]
        # Where two given words have one key, the first takes the forms that are neither.
        id_of_key.setdefault(word if key is None else key, number)
    form_ids: dict[str, int] = {}
    for form in forms:
        number_of_form = id_of_word.get(form)
        if number_of_form is None and (key := key_of[form]) is not None:
            number_of_form = id_of_word.get(key, id_of_key.get(key))
        if number_of_form is not None:
            form_ids[form] = number_of_form
    of_forms = {form: key_of[form] for form in forms}
    return Vocabulary(tuple(words), form_ids, _stop_forms(of_forms, form_ids))


def _stop_forms(key_of: Mapping[str, str | None], form_ids: Mapping[str, int]) -> frozenset[str]:
    # A stop word may be a given word of the vocabulary all the same.
    return frozenset(form for form, key in key_of.items() if key is None and form not in form_ids)


def _display_words(
    keys: Sequence[str], forms: Sequence[str], key_numbers: npt.NDArray[np.int64], totals: npt.NDArray[np.int64]
) -> list[str]:
    best: dict[int, tuple[int, str]] = {}
    for form, number, total in zip(forms, key_numbers.tolist(), totals.tolist(), strict=True):
        if number >= 0:
            best[number] = min(best.get(number, (0, form)), (-total, form))
    return [best[number][1] for number in range(len(keys))]


def _merged(counts: csr_matrix, target: npt.NDArray[np.int64], width: int) -> csr_matrix:
    """Sum columns: column `j` of `counts` goes to column `target[j]`, or nowhere where that is -1."""
    columns = target[counts.indices]
    kept = columns >= 0
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    shape = (counts.shape[0], width)
    merged = csr_matrix((counts.data[kept], (rows[kept], columns[kept])), shape=shape)
    merged.sum_duplicates()
    return merged
