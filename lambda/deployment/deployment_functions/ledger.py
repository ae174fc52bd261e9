"""The record of trained models in SSM: `<prefix>/<set>/<field>`, sets candidate, approved and previous."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from botocore.exceptions import ClientError

from deployment_functions.model_fields import APPROVED, CANDIDATE, FIELDS, PREVIOUS

if TYPE_CHECKING:
    from collections.abc import Mapping

_SETS: Final = (CANDIDATE, APPROVED, PREVIOUS)
_MISSING: Final = "ParameterNotFound"


class Ssm(Protocol):
    """The operations of boto3's SSM client that the ledger uses: those that act on one parameter, by its name."""

    def get_parameter(self, *, Name: str) -> dict[str, dict[str, str]]:
        """Read a parameter."""

    def put_parameter(self, *, Name: str, Value: str, Type: str, Overwrite: bool) -> object:
        """Write a parameter."""

    def delete_parameter(self, *, Name: str) -> object:
        """Delete a parameter."""


class Ledger:
    """Reads and writes whole sets of fields, so that no caller can mix two models' fields."""

    def __init__(self, ssm: Ssm, prefix: str) -> None:
        self._ssm = ssm
        self._prefix = prefix.rstrip("/")

    def read(self, which: str) -> dict[str, str] | None:
        """Return the fields of a set, or None where it is missing or incomplete."""
        try:
            return {
                field: self._ssm.get_parameter(Name=self._name(which, field))["Parameter"]["Value"] for field in FIELDS
            }
        except ClientError as error:
            if error.response["Error"]["Code"] != _MISSING:
                raise
            return None

    def write(self, which: str, model: Mapping[str, str]) -> None:
        """Write every field of a set.

        Raises:
            KeyError: `model` lacks a field; nothing is written then.
        """
        values = {field: model[field] for field in FIELDS}
        for field, value in values.items():
            self._ssm.put_parameter(Name=self._name(which, field), Value=value, Type="String", Overwrite=True)

    def approve(self, model: Mapping[str, str]) -> None:
        """Make `model` the approved one, and keep the one it replaces as the previous one."""
        approved = self.read(APPROVED)
        if approved is not None and approved["job_name"] != model["job_name"]:
            self.write(PREVIOUS, approved)
        self.write(APPROVED, model)

    def clear(self) -> None:
        """Delete every set."""
        for which in _SETS:
            for field in FIELDS:
                try:
                    self._ssm.delete_parameter(Name=self._name(which, field))
                except ClientError as error:
                    if error.response["Error"]["Code"] != _MISSING:
                        raise

    def _name(self, which: str, field: str) -> str:
        return f"{self._prefix}/{which}/{field}"
