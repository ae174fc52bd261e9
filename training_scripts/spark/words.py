"""Second stage: the vocabulary, as training_scripts.corpus.vocabulary chooses it, from forms that are dealt out."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from training_scripts.corpus.errors import CorpusError
from training_scripts.corpus.language import among
from training_scripts.corpus.preparation import MAX_SEEN_STOP_FORMS, lemmas_of, stop_forms_told
from training_scripts.corpus.reading.word_lists import LEAST_WORDS
from training_scripts.corpus.vocabulary import Vocabulary, freeze, too_few

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyspark import RDD, SparkContext

    from training_scripts.corpus.language import Lemmas
    from training_scripts.corpus.settings import PreparationSettings
    from training_scripts.spark.counted import Counted


_FORMS_AT_ONCE: Final = 200_000


class Word(NamedTuple):
    """A key, and how it is written: as its most frequent form."""

    key: str
    best: tuple[int, str]
    """(minus its total, the form): the least is taken."""
    total: int

    @property
    def written(self) -> str:
        """The word that the vocabulary shows."""
        return self.best[1]


def totals(documents: RDD[Counted]) -> RDD[tuple[str, int]]:
    """Return how often each form occurs."""
    return documents.mapPartitions(_added_up).reduceByKey(int.__add__)


def _added_up(documents: Iterable[Counted]) -> Iterator[tuple[str, int]]:
    """Add counts up before Spark sees them, some at a time: it takes longer than this for each that it is given."""
    found: dict[str, int] = {}
    for document in documents:
        for form, count in zip(document.forms, document.counts, strict=True):
            found[form] = found.get(form, 0) + count
        if len(found) > _FORMS_AT_ONCE:
            yield from found.items()
            found = {}
    yield from found.items()


def choose(
    context: SparkContext,
    totals: RDD[tuple[str, int]],
    training: RDD[Counted],
    settings: PreparationSettings,
) -> Vocabulary:
    """Choose the words that most training documents have; see training_scripts.corpus.vocabulary.choose.

    Args:
        context: Spark's.
        totals: of all forms, in whatever part their documents are.
        training: the documents that decide.
        settings: language, sizes and frequencies.

    Raises:
        CorpusError: fewer than two words are left.
    """
    forms = _with_keys(totals, settings).cache()
    words = forms.map(_as_word).reduceByKey(_joined).cache()
    least = max(1, settings.min_df)
    # A word is in no more documents than it has occurrences: only those that have enough need counting.
    frequent = words.filter(lambda item: item[1].total >= least).mapValues(lambda word: word.written)
    by_key = forms.map(lambda item: (item[2], item[0]))
    key_of = context.broadcast(dict(by_key.join(frequent).map(_form_and_key).collect()))

    def documents_by_key(part: Iterable[Counted]) -> Iterator[tuple[str, int]]:
        known, found = key_of.value, Counter[str]()
        for document in part:
            found.update({key for form in document.forms if (key := known.get(form))})
        return iter(found.items())

    frequencies = training.mapPartitions(documents_by_key).reduceByKey(int.__add__)
    most = settings.max_df * training.count()
    eligible = frequencies.filter(lambda item: least <= item[1] <= most).join(frequent)
    best = eligible.takeOrdered(settings.max_features, key=lambda item: (-item[1][0], item[1][1]))
    if len(best) < LEAST_WORDS:
        raise CorpusError(too_few(len(best), words.count(), max_df=settings.max_df, min_df=settings.min_df))
    chosen = sorted((word, key) for key, (_, word) in best)
    id_of_key = {key: number for number, (_, key) in enumerate(chosen)}
    form_ids = {form: id_of_key[key] for form, key in key_of.value.items() if key in id_of_key}
    key_of.unpersist()
    return Vocabulary(tuple(word for word, _ in chosen), form_ids)


def frozen(totals: RDD[tuple[str, int]], settings: PreparationSettings, words: tuple[str, ...]) -> Vocabulary:
    """Meet the documents' forms with given words; a form's word depends on no other form's."""
    # keys_of looks at all forms at once, and so must this: what is sent to the driver is the forms and no counts.
    return freeze(words, sorted(totals.keys().collect()), _lemmas(settings).keys_of)


def stop_forms(totals: RDD[tuple[str, int]], settings: PreparationSettings, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return the stop words a server is told of; see training_scripts.corpus.preparation.stop_forms_told."""
    ours = totals.context.broadcast(frozenset(vocabulary.form_ids))

    def left_out(part: Iterable[tuple[str, int]]) -> Iterator[tuple[int, str]]:
        lemmas = _lemmas(settings)
        return ((-total, form) for form, total in part if form not in ours.value and lemmas.key_of(form) is None)

    seen = totals.mapPartitions(left_out).takeOrdered(MAX_SEEN_STOP_FORMS)
    return stop_forms_told(_lemmas(settings), vocabulary, (form for _, form in seen))


@cache
def _lemmas(settings: PreparationSettings) -> Lemmas:
    """Return what gives forms their keys, made once a process: its dictionary is large and does not travel."""
    return lemmas_of(settings)


def _with_keys(totals: RDD[tuple[str, int]], settings: PreparationSettings) -> RDD[tuple[str, int, str]]:
    """Return (form, total, key) of every form that is no stop word."""

    def alone(part: Iterable[tuple[str, int]]) -> Iterator[tuple[str, tuple[int, str | None]]]:
        lemmas = _lemmas(settings)
        return ((form, (total, lemmas.key_of(form))) for form, total in part)

    keyed = totals.mapPartitions(alone).cache()
    others = keyed.flatMap(lambda item: [item[1][1]] if item[1][1] not in (None, item[0]) else []).distinct()
    together = keyed.leftOuterJoin(others.map(lambda lemma: (lemma, True)))
    return together.map(
        lambda item: (item[0], item[1][0][0], among(item[0], item[1][0][1], item[1][1] is not None))
    ).filter(lambda item: item[2] is not None)


def _as_word(item: tuple[str, int, str]) -> tuple[str, Word]:
    form, total, key = item
    return key, Word(key, (-total, form), total)


def _joined(one: Word, other: Word) -> Word:
    return Word(one.key, min(one.best, other.best), one.total + other.total)


def _form_and_key(item: tuple[str, tuple[str, str]]) -> tuple[str, str]:
    key, (form, _) = item
    return form, key
