"""The record of trained models in SSM: `<prefix>/<set>/<field>`, sets candidate, approved and previous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from deployment_functions.model_fields import APPROVED, CANDIDATE, FIELDS, PREVIOUS

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETS: Final = (CANDIDATE, APPROVED, PREVIOUS)
_MOST_NAMES_A_DELETE: Final = 10


class Ssm(Protocol):
    """The operations of boto3's SSM client that the ledger uses."""

    def get_parameters_by_path(self, **kwargs: object) -> dict[str, object]:
        """One page of the parameters under a path."""

    def put_parameter(self, **kwargs: object) -> object:
        """Write one parameter."""

    def delete_parameters(self, **kwargs: object) -> object:
        """Delete up to ten parameters; unknown names are no error."""


class Ledger:
    """Reads and writes whole sets of fields, so that no caller can mix two models' fields."""

    def __init__(self, ssm: Ssm, prefix: str) -> None:
        self._ssm = ssm
        self._prefix = prefix.rstrip("/")

    def read(self, which: str) -> dict[str, str] | None:
        """Return the fields of a set, or None where it is missing or incomplete."""
        fields: dict[str, str] = {}
        token: dict[str, object] = {}
        while True:
            page = self._ssm.get_parameters_by_path(Path=f"{self._prefix}/{which}", **token)
            parameters = page["Parameters"]
            assert isinstance(parameters, list)  # noqa: S101 (the shape of a boto3 answer, for the type checker)
            fields |= {parameter["Name"].rpartition("/")[2]: parameter["Value"] for parameter in parameters}
            if not page.get("NextToken"):
                break
            token = {"NextToken": page["NextToken"]}
        return fields if set(FIELDS) <= set(fields) else None

    def write(self, which: str, model: Mapping[str, str]) -> None:
        """Write every field of a set.

        Raises:
            KeyError: `model` lacks a field; nothing is written then.
        """
        values = {field: model[field] for field in FIELDS}
        for field, value in values.items():
            self._ssm.put_parameter(Name=f"{self._prefix}/{which}/{field}", Value=value, Type="String", Overwrite=True)

    def approve(self, model: Mapping[str, str]) -> None:
        """Make `model` the approved one, and keep the one it replaces as the previous one."""
        approved = self.read(APPROVED)
        if approved is not None and approved["job_name"] != model["job_name"]:
            self.write(PREVIOUS, approved)
        self.write(APPROVED, model)

    def clear(self) -> None:
        """Delete every set."""
        names = [f"{self._prefix}/{which}/{field}" for which in _SETS for field in FIELDS]
        for start in range(0, len(names), _MOST_NAMES_A_DELETE):
            self._ssm.delete_parameters(Names=names[start : start + _MOST_NAMES_A_DELETE])
