"""Exports: each name is there once, and one that another stack imports can be neither removed nor changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from local_cloud.shared import emulator, private_names, refusals

if TYPE_CHECKING:
    Resolve = Callable[..., tuple[list[Any], Mapping[str, Mapping[str, str]]]]


def install() -> None:
    """Hold a stack to the names of others, and to what they import of it; imports MiniStack's CloudFormation."""
    private_names.CFN_OUTPUTS.wrap(_with_imports_kept)
    private_names.CFN_RESOLVE.wrap(_in_awss_words)


def _in_awss_words(resolve: Callable[..., object]) -> Callable[..., object]:
    def resolved(*arguments: object, **options: object) -> object:
        try:
            return resolve(*arguments, **options)
        except ValueError as error:
            missing = re.fullmatch(r"Export '(.*)' not found", str(error))
            if missing is None:
                raise
            raise ValueError(refusals.IMPORT_OF_NOTHING.text(name=missing[1])) from None

    return resolved


def _with_imports_kept(resolve: Resolve) -> Resolve:
    def resolved(  # noqa: PLR0917 - MiniStack's
        definitions: object, conditions: object, resources: object, parameters: object, mappings: object, stack: str,
        stack_id: str,
    ) -> tuple[list[Any], Mapping[str, Mapping[str, str]]]:  # fmt: skip
        outputs, exports = resolve(definitions, conditions, resources, parameters, mappings, stack, stack_id)
        known = private_names.CFN_EXPORTS.get()
        names = [output["ExportName"] for output in outputs if "ExportName" in output]
        for name in names:
            owner = known[name]["StackId"] if name in known else stack_id
            if owner != stack_id or names.count(name) > 1:
                raise ValueError(refusals.EXPORT_TAKEN.text(name=name, stack=emulator.stack_name(owner)))
        own = {name: export["Value"] for name, export in known.items() if export["StackId"] == stack_id}
        for name, value in own.items():
            user = _user(name, stack)
            if user and name not in exports:
                raise ValueError(refusals.EXPORT_REMOVED.text(name=name, user=user))
            if user and exports[name]["Value"] != value:
                raise ValueError(refusals.EXPORT_CHANGED.text(name=name, user=user))
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
