"""Exports: one that another stack imports can be neither removed nor changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.shared import private_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Resolve = Callable[..., tuple[list[Any], Mapping[str, Mapping[str, str]]]]


def install() -> None:
    """Hold an update to what others import of its stack; imports MiniStack's CloudFormation."""
    private_names.CFN_OUTPUTS.wrap(_with_imports_kept)


def _with_imports_kept(resolve: Resolve) -> Resolve:
    def resolved(  # noqa: PLR0917 - MiniStack's
        definitions: object, conditions: object, resources: object, parameters: object, mappings: object, stack: str,
        stack_id: str,
    ) -> tuple[list[Any], Mapping[str, Mapping[str, str]]]:  # fmt: skip
        outputs, exports = resolve(definitions, conditions, resources, parameters, mappings, stack, stack_id)
        known = private_names.CFN_EXPORTS.get()
        own = {name: export["Value"] for name, export in known.items() if export["StackId"] == stack_id}
        for name, value in own.items():
            user = _user(name, stack)
            if user and name not in exports:
                raise ValueError(f"Export {name} cannot be deleted as it is in use by {user}")
            if user and exports[name]["Value"] != value:
                raise ValueError(f"Export {name} cannot be updated as it is in use by {user}")
        for name in own.keys() - exports.keys():
            known.pop(name)
        return outputs, exports

    return resolved


def _user(name: str, stack: str) -> str:
    """Return the name of another stack that imports an export; '' where none does."""
    imported = private_names.CFN_IMPORTED.get()
    for other, record in private_names.CFN_STACKS.get().items():
        if other != stack and record["StackStatus"] != "DELETE_COMPLETE" and name in imported(record, other):
            return str(other)
    return ""
