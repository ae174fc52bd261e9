"""Memory of a process and its children, from /proc: what an address-space limit cannot tell for JAX.

A just-in-time compiler reserves far more address space than it uses, so RLIMIT_AS would end jobs that fit.
"""

from __future__ import annotations

from pathlib import Path

KIB = 1024


def resident_bytes(pid: int) -> int:
    """Return the proportional memory of a process tree in bytes; 0 where there is no /proc or the process is gone."""
    return sum(_proportional_bytes(member) for member in _tree(pid))


def _tree(pid: int) -> list[int]:
    members, pending = [], [pid]
    while pending:
        member = pending.pop()
        members.append(member)
        try:
            children = [
                child
                for listing in Path(f"/proc/{member}/task").glob("*/children")
                for child in listing.read_text().split()
            ]
        except OSError:
            continue
        pending += [int(child) for child in children]
    return members


def _proportional_bytes(pid: int) -> int:
    # Pss shares a page between those that use it: forked workers of one server are not counted twice.
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * KIB for line in lines if line.startswith("Pss:"))
