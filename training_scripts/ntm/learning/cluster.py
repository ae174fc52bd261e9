"""The instances of one job: found through resourceconfig.json, joined by jax.distributed, averaged once an epoch."""

from __future__ import annotations

import functools
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import jax
import jaxlib._jax  # type: ignore[import-not-found]  # a compiled module
import numpy as np
import numpy.typing as npt
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from training_scripts.ntm.failure import AlgorithmError

if TYPE_CHECKING:
    from training_scripts.ntm.sums import Sum, Tree

COORDINATOR_PORT: Final = 7913
COORDINATOR_VARIABLE: Final = "NTM_COORDINATOR"
"""Where the first instance is reached, host:port; needed only where several instances share one machine."""
JOIN_TIMEOUT_S: Final = 300
HEARTBEAT_TIMEOUT_S: Final = 30
_AXIS: Final = "instances"


@dataclass(frozen=True)
class Hosts:
    """Who takes part, as resourceconfig.json tells."""

    current: str
    names: tuple[str, ...]
    interface: str | None = None
    """Network interface between the instances."""

    @property
    def rank(self) -> int:
        """This instance's place; the first is the primary."""
        return self.names.index(self.current)

    @property
    def coordinator(self) -> str:
        """Address of the primary's coordination service."""
        return os.environ.get(COORDINATOR_VARIABLE) or f"{self.names[0]}:{COORDINATOR_PORT}"


class Instances:
    """All-reduce among the job's processes, one device of each."""

    def __init__(self, hosts: Hosts) -> None:
        """Join the others; every instance must be constructing this within JOIN_TIMEOUT_S."""
        self.rank = hosts.rank
        self.size = len(hosts.names)
        if hosts.interface and not _own_name_resolves():
            _bind_to(hosts.interface)
        jax.config.update("jax_cpu_collectives_implementation", "gloo")  # type: ignore[no-untyped-call]
        # It would take SIGTERM from this process and do nothing with it.
        jax.config.update("jax_enable_preemption_service", False)  # type: ignore[no-untyped-call]
        jax.distributed.initialize(
            coordinator_address=hosts.coordinator,
            num_processes=self.size,
            process_id=self.rank,
            initialization_timeout=JOIN_TIMEOUT_S,
            heartbeat_timeout_seconds=HEARTBEAT_TIMEOUT_S,
            # An address given for one machine is not opened to its network.
            coordinator_bind_address=os.environ.get(COORDINATOR_VARIABLE) or None,
        )
        first_of: dict[int, jax.Device] = {}
        for device in jax.devices():
            first_of.setdefault(device.process_index, device)
        mesh = Mesh(np.array([first_of[rank] for rank in range(self.size)]), (_AXIS,))
        self._spread = NamedSharding(mesh, _spec(_AXIS))
        self._add = jax.jit(lambda parts: parts.sum(axis=0), out_shardings=NamedSharding(mesh, _spec()))

    def sum(self, values: Sum) -> Sum:
        """Return the element-wise sum over the instances, in the type of `values`."""
        with jax.enable_x64(values.dtype == np.float64):
            whole = jax.make_array_from_process_local_data(  # type: ignore[no-untyped-call]
                self._spread, np.ascontiguousarray(values)[None], (self.size, *values.shape)
            )
            try:
                return np.asarray(self._add(whole).addressable_data(0))
            # What Gloo raises for a lost connection depends on where the loss is noticed.
            except (jax.errors.JaxRuntimeError, ValueError) as error:
                raise AlgorithmError("another instance of the job has ended or cannot be reached any more") from error

    def average(self, tree: Tree, weight: float) -> Tree:
        """Return the weighted mean of all instances' arrays: one all-reduce of everything, in float32."""
        if not tree:
            return {}
        names = sorted(tree)
        flat = np.concatenate([np.asarray([weight], np.float32), *(tree[name].ravel() * weight for name in names)])
        total = self.sum(flat.astype(np.float32))
        mean: npt.NDArray[np.float32] = total[1:] / max(float(total[0]), 1.0)
        ends = np.cumsum([tree[name].size for name in names])
        return {
            name: part.reshape(tree[name].shape) for name, part in zip(names, np.split(mean, ends[:-1]), strict=True)
        }

    def leave(self) -> None:
        """Wait until all others leave too, and take leave of them.

        Without it JAX aborts an instance when it finds that another has ended, well or not: one that is still at work
        as the primary ends, and the primary if it still is HEARTBEAT_TIMEOUT_S after another has ended.
        """
        jax.distributed.shutdown()  # type: ignore[no-untyped-call]


def _own_name_resolves() -> bool:
    try:
        socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return False
    return True


def _bind_to(interface: str) -> None:
    """Have Gloo find its own address by the interface.

    It asks for the machine's own name, which some laptops and sandboxes cannot resolve; it could be told an interface,
    but JAX passes none on.
    """
    make = jaxlib._jax.make_gloo_tcp_collectives  # noqa: SLF001 (no public way; a test holds the name)
    jaxlib._jax.make_gloo_tcp_collectives = functools.partial(make, interface=interface)  # noqa: SLF001


def _spec(*axes: str) -> PartitionSpec:
    return PartitionSpec(*axes)  # type: ignore[no-untyped-call]
