"""Which documents are copies of another: told by digests and places alone, so that no text travels to be compared."""

from __future__ import annotations

from array import array
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from training_scripts.corpus.passed_over import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pyspark import RDD

    from training_scripts.spark.counted import Counted

_INDEX_BITS: Final = 40
"""A place is a partition's number and a document's in it, in 64 bits."""
_INDEX_MASK: Final = (1 << _INDEX_BITS) - 1


class Copies(NamedTuple):
    """Documents that are left out, since another has their id.

    Attributes:
        left_out: their places in ascending order, by partition.
        repeated: the first, in order, of the ids that came more than once.
    """

    left_out: Mapping[int, array[int]]
    repeated: list[str]

    @property
    def number(self) -> int:
        """How many are left out."""
        return sum(map(len, self.left_out.values()))


class _Seen(NamedTuple):
    """What is known of one id: the copy that stays, which is that of the least digest, and the places of the others."""

    digest: bytes
    place: int
    others: array[int] | None


def find(documents: RDD[Counted]) -> Copies:
    """Find the copies among documents; their order, and that of partitions, has no say in which text stays.

    What is shuffled of each document is its id, its digest and its place. What comes to the driver is eight bytes for
    each copy, and nothing of the documents that have none.
    """
    copied = documents.mapPartitionsWithIndex(_placed).reduceByKey(_met).filter(lambda item: item[1].others is not None)
    copied = copied.mapValues(lambda seen: seen.others).cache()
    repeated = copied.keys().takeOrdered(EXAMPLES)
    left_out: dict[int, array[int]] = defaultdict(lambda: array("Q"))
    for others in copied.values().toLocalIterator():
        for place in others:
            left_out[place >> _INDEX_BITS].append(place & _INDEX_MASK)
    copied.unpersist()
    ordered = {partition: array("Q", sorted(places)) for partition, places in left_out.items()}
    return Copies(ordered, repeated)


def without(documents: RDD[Counted], copies: Copies) -> RDD[Counted]:
    """Return the documents that stay, each where it was."""
    if not copies.left_out:
        return documents
    known = documents.context.broadcast(copies.left_out)

    def staying(partition: int, items: Iterable[Counted]) -> Iterator[Counted]:
        left_out = set(known.value.get(partition, ()))
        return (document for index, document in enumerate(items) if index not in left_out)

    return documents.mapPartitionsWithIndex(staying)


def _placed(partition: int, items: Iterable[Counted]) -> Iterator[tuple[str, _Seen]]:
    first = partition << _INDEX_BITS
    return ((document.id, _Seen(document.digest, first + index, None)) for index, document in enumerate(items))


def _met(one: _Seen, other: _Seen) -> _Seen:
    # The place decides between copies that are the same to the byte, so that each is met alike in every order.
    stays, goes = (one, other) if one[:2] <= other[:2] else (other, one)
    # The longer list is added to: a text of which there are very many copies would be copied each time otherwise.
    others, more = stays.others, goes.others
    if others is None or (more is not None and len(more) > len(others)):
        others, more = more, others
    others = array("Q") if others is None else others
    others.extend(more or ())
    others.append(goes.place)
    return _Seen(stays.digest, stays.place, others)
