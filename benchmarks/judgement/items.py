"""The items of a sheet: anonymous and shuffled, with the key that tells whose they are. Pure."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.optimize import linear_sum_assignment

Kind = Literal["pair", "rate", "intruder"]
_T = TypeVar("_T")
INTRUSION_WORDS: Final = 5
"""Words of the topic among which one of another topic is to be told."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TopicLists(BaseModel):
    """The topics of one fitted model, each a list of words, best first: a line of `benchmarks.topics.run`'s results."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str
    corpus: str
    seed: int = 0
    words: list[list[str]]


class Item(_Frozen):
    """What a judge sees: two lists of words to choose from, one to rate and name, or words with an intruder."""

    id: str
    kind: Kind
    lists: list[list[str]]


class Entry(_Frozen):
    """Whose an item is: the model of each list; of an intruder item the word that is the intruder."""

    corpus: str
    models: list[str]
    intruder: str | None = None


class Key(_Frozen):
    """What is kept from judges. `secret` decided every choice, so that no judge can make the key anew."""

    secret: str
    entries: dict[str, Entry]


@dataclass(frozen=True)
class Plan:
    """How many items a corpus gives: of each pair of models, and of each model to rate and to find intruders in."""

    pairs: tuple[tuple[str, str], ...]
    pairs_of_corpus: int = 30
    rated: int = 25
    intruders: int = 10


def make(lists: Sequence[TopicLists], plan: Plan, secret: str) -> tuple[list[Item], Key]:
    """Return the sheet's items in the order in which they are judged, and their key.

    Topics are paired one to one, each with the topic of the other model that shares most words, within a corpus and
    seed. No list of words comes twice in the pairs of two models, nor among those that are rated.

    Raises:
        ValueError: a model that is to be compared has no topics.
    """
    chance = random.Random(secret)
    models = sorted({model for pair in plan.pairs for model in pair})
    if missing := [model for model in models if not any(one.model == model for one in lists)]:
        raise ValueError(f"there are no topics of the model {missing[0]!r}: there are {_listed(lists)}")
    drafts: list[tuple[Kind, list[list[str]], Entry]] = []
    for corpus in sorted({one.corpus for one in lists}):
        here = sorted((one for one in lists if one.corpus == corpus), key=lambda one: (one.model, one.seed))
        for first, second in plan.pairs:
            for ours, theirs in _sampled(_pairs(here, first, second), plan.pairs_of_corpus, chance):
                sides = [(ours, first), (theirs, second)]
                chance.shuffle(sides)
                entry = Entry(corpus=corpus, models=[model for _, model in sides])
                drafts.append(("pair", [words for words, _ in sides], entry))
        for model in models:
            topics = _distinct([words for one in here if one.model == model for words in one.words])
            whose = Entry(corpus=corpus, models=[model])
            drafts += [("rate", [words], whose) for words in _sampled(topics, plan.rated, chance)]
            for words in _sampled(topics, plan.intruders, chance):
                if item := _with_intruder(words, topics, chance):
                    shown, intruder = item
                    drafts.append(("intruder", [shown], Entry(corpus=corpus, models=[model], intruder=intruder)))
    chance.shuffle(drafts)
    items = [Item(id=f"{number:04}", kind=kind, lists=shown) for number, (kind, shown, _) in enumerate(drafts)]
    entries = {item.id: entry for item, (_, _, entry) in zip(items, drafts, strict=True)}
    return items, Key(secret=secret, entries=entries)


def encoded(content: list[Item] | Key) -> bytes:
    """Return the bytes of items.json or key.json, by whose hash they are known."""
    if isinstance(content, Key):
        return (content.model_dump_json() + "\n").encode()
    return ("[\n" + ",\n".join(item.model_dump_json() for item in content) + "\n]\n").encode()


def hash_of(content: bytes) -> str:
    """Return the SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def _pairs(lists: Sequence[TopicLists], first: str, second: str) -> list[tuple[list[str], list[str]]]:
    matched: list[tuple[list[str], list[str]]] = []
    for one in lists:
        other = next((each for each in lists if each.model == second and each.seed == one.seed), None)
        if one.model != first or other is None:
            continue
        shared = np.array([[len({*ours} & {*theirs}) for theirs in other.words] for ours in one.words])
        rows, columns = linear_sum_assignment(-shared)
        matched += [(one.words[row], other.words[column]) for row, column in zip(rows, columns, strict=True)]
    taken: set[frozenset[str]] = set()
    fresh = []
    for ours, theirs in matched:
        # Two seeds of a model may find one topic: the same list is not judged twice.
        if frozenset(theirs) not in taken and frozenset(ours) != frozenset(theirs):
            taken.add(frozenset(theirs))
            fresh.append((ours, theirs))
    return fresh


def _with_intruder(
    words: list[str], topics: Sequence[list[str]], chance: random.Random
) -> tuple[list[str], str] | None:
    strangers = sorted({word for other in topics for word in other[:INTRUSION_WORDS]} - set(words))
    if not strangers:
        return None
    intruder = chance.choice(strangers)
    shown = [*words[:INTRUSION_WORDS], intruder]
    chance.shuffle(shown)
    return shown, intruder


def _distinct(topics: Sequence[list[str]]) -> list[list[str]]:
    return list({frozenset(words): words for words in topics}.values())


def _sampled(values: Sequence[_T], number: int, chance: random.Random) -> list[_T]:
    return chance.sample(list(values), min(number, len(values)))


def _listed(lists: Sequence[TopicLists]) -> str:
    return ", ".join(sorted({one.model for one in lists})) or "none"
