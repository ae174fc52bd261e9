"""What SnapStart needs: nothing that must differ between copies, or must be fresh, may be kept in the snapshot.

Lambda takes one snapshot of the loaded function and starts every copy of it from there: with the same state of the
random generator, with sockets whose other end is gone, and with a record that may be days old.
"""

from __future__ import annotations

import importlib
import logging
import random
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from url_functions.ports import Closing, Hooks

RUNTIME_HOOKS: Final = "snapshot_restore_py"
"""The module that Lambda's Python runtimes bring; there is none elsewhere."""

LATER_MODULES: Final = (
    "reading.csv_cells",
    "reading.json_codec",
    "reading.json_lines_codec",
    "reading.recordio_codec",
    "reading.vectorizer",
    "reading.vocabulary_store",
    "model.topic_list",
    "model.endpoint_state",
    "answering.openapi",
    "answering.openapi_schemas",
)
"""Modules that are loaded when they are first needed: in a snapshot they cost nothing, so they are put into it."""

logger = logging.getLogger(__name__)


def runtime_hooks() -> Hooks | None:
    """Return the runtime's hooks, where there are any."""
    return cast("Hooks", importlib.import_module(RUNTIME_HOOKS)) if find_spec(RUNTIME_HOOKS) else None


def register(
    hooks: Hooks | None,
    *,
    clients: Callable[[], Iterable[Closing]],
    forget: Callable[[], None],
    prepare: Callable[[], None],
) -> None:
    """Register what happens around a snapshot; nothing where the runtime has no hooks.

    Args:
        hooks: the runtime's.
        clients: gives the clients whose connections are dropped.
        forget: forgets what has to be read anew.
        prepare: makes what requests would make when they first need it.
    """
    if hooks is None:
        return

    def before_snapshot() -> None:
        for module in LATER_MODULES:
            importlib.import_module(f"topics_function.{module}")
        prepare()
        _drop(clients())

    def after_restore() -> None:
        random.seed()
        _drop(clients())
        forget()

    hooks.register_before_snapshot(before_snapshot)
    hooks.register_after_restore(after_restore)


def _drop(clients: Iterable[Closing]) -> None:
    for client in clients:
        client.close()
