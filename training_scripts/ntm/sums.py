"""What the instances of a job exchange: sums, and whatever else can be said by sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from training_scripts.ntm.failure import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

Tree = dict[str, npt.NDArray[np.float32]]
Sum = TypeVar("Sum", npt.NDArray[np.float32], npt.NDArray[np.float64])
Result = TypeVar("Result")


class Cluster(Protocol):
    """The instances of a job. Every method must be called by all of them, in the same order."""

    rank: int
    """This instance's place; 0 is the primary."""
    size: int

    def sum(self, values: Sum) -> Sum:
        """Return the element-wise sum of `values`, of one shape on all instances; the same to the last bit on each."""
        ...

    def average(self, tree: Tree, weight: float) -> Tree:
        """Return the mean of all instances' arrays, each weighted by its `weight`."""
        ...

    def leave(self) -> None:
        """Take part in nothing more: from here on no instance needs another one, or is ended by the end of one."""
        ...


class Alone:
    """A job of one instance: its sums are its own."""

    rank = 0
    size = 1

    def sum(self, values: Sum) -> Sum:
        """Return `values`."""
        return values

    def average(self, tree: Tree, weight: float) -> Tree:  # noqa: ARG002 (one instance's weight is all there is)
        """Return `tree`."""
        return tree

    def leave(self) -> None:
        """Do nothing: nobody else is there."""


def any_set(cluster: Cluster, flag: bool) -> bool:
    """Return whether the flag is set on any instance."""
    return bool(cluster.sum(np.array([float(flag)], dtype=np.float32))[0] > 0)


def share(cluster: Cluster, content: bytes | None) -> bytes | None:
    """Return the content of the first instance that has any; None if none has."""
    sizes = np.zeros(cluster.size)
    sizes[cluster.rank] = len(content or b"")
    all_sizes = cluster.sum(sizes)
    givers = np.flatnonzero(all_sizes)
    if not givers.size:
        return None
    values = np.zeros(int(all_sizes[givers[0]]), dtype=np.float32)
    if content and cluster.rank == givers[0]:
        values[:] = np.frombuffer(content, dtype=np.uint8)
    return cluster.sum(values).astype(np.uint8).tobytes()


def agreed(cluster: Cluster, work: Callable[[], Result]) -> Result:
    """Do `work`; where it raises ClientError on any instance, raise that same error on all.

    Without this the others would wait for a partner that is gone, and report its absence instead of the cause.
    """
    result: Result | None = None
    error: ClientError | None = None
    try:
        result = work()
    except ClientError as caught:
        error = caught
    message = share(cluster, str(error).encode() if error else None)
    if message is not None:
        raise ClientError(message.decode()) from error
    return result  # type: ignore[return-value]  # no error, so the work has returned
