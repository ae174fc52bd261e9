"""The record of trained models in SSM: `<prefix>/<set>/model`, sets candidate, approved and previous.

The record is one StringList, so that no write and no read can mix two models. For one release its fields are also
written one by one, `<prefix>/<set>/<field>`: a promotion updates the serving stack by its previous template, which
reads those. The record is written last and decides: once it names a model, the single fields do too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from deployment_functions.model_fields import APPROVED, CANDIDATE, FIELDS, IN_SERVICE, PREVIOUS, RECORD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deployment_functions.ports import Ssm

SETS: Final = (CANDIDATE, APPROVED, PREVIOUS)
MOST_RECORD_BYTES: Final = 4096
"""https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""
_SEPARATOR: Final = ","
_MISSING: Final = "ParameterNotFound"


class LedgerError(Exception):
    """A record that cannot be written, or that is not one model's; one sentence."""


class Ledger:
    """Reads and writes whole sets of fields, so that no caller can mix two models' fields."""

    def __init__(self, ssm: Ssm, prefix: str) -> None:
        self._ssm = ssm
        self._prefix = prefix.rstrip("/")

    def read(self, which: str) -> dict[str, str] | None:
        """Return the fields of a set, or None where it is missing or incomplete.

        Where there is no record, as of a stage that an earlier release deployed, the single fields are the set.

        Raises:
            LedgerError: the record has not as many values as a model has fields.
        """
        recorded = read_parameter(self._ssm, self.name(which, RECORD))
        if recorded is None:
            fields = self.single_fields(which)
            return fields if len(fields) == len(FIELDS) else None
        values = recorded.split(_SEPARATOR)
        if len(values) != len(FIELDS):
            raise LedgerError(f"{self.name(which, RECORD)} holds {len(values)} values, where a model has {len(FIELDS)}")
        return dict(zip(FIELDS, values, strict=True))

    def single_fields(self, which: str) -> dict[str, str]:
        """Return those fields of a set that have a parameter of their own."""
        values = ((field, read_parameter(self._ssm, self.name(which, field))) for field in FIELDS)
        return {field: value for field, value in values if value is not None}

    def astray(self, which: str) -> list[str]:
        """Return the names of the parameters of a set that are missing or say another thing than its record."""
        model = self.read(which)
        if model is None:
            return []
        single = self.single_fields(which)
        astray = [field for field in FIELDS if single.get(field) != model[field]]
        if read_parameter(self._ssm, self.name(which, RECORD)) is None:
            astray.append(RECORD)
        return [self.name(which, name) for name in astray]

    def write(self, which: str, model: Mapping[str, str]) -> None:
        """Write every field of a set, and then its record.

        Stopped in between, the record still is the model of before, whole, and the writer's next try writes all again.

        Raises:
            KeyError: `model` lacks a field; nothing is written then.
            LedgerError: a StringList cannot hold a value; nothing is written then.
        """
        record = as_record(model)
        for field in FIELDS:
            self._put(which, field, model[field], "String")
        self._put(which, RECORD, record, "StringList")

    def mend(self, which: str) -> list[str]:
        """Write what has gone astray of a set as its record says, and return the names of those parameters."""
        model = self.read(which)
        if model is None:
            return []
        astray = self.astray(which)
        for name in astray:
            field = name.rpartition("/")[2]
            if field == RECORD:
                self._put(which, RECORD, as_record(model), "StringList")
            else:
                self._put(which, field, model[field], "String")
        return astray

    def seed(self) -> None:
        """Write the record of each set from its single fields, which an earlier release kept up to date alone.

        Raises:
            LedgerError: the approved fields are of two models; no record is written then.
        """
        known = {which: fields for which in SETS if len(fields := self.single_fields(which)) == len(FIELDS)}
        approved = known.get(APPROVED)
        for which, model in known.items():
            if approved is None or model["job_name"] != approved["job_name"]:
                continue
            differing = [field for field in FIELDS if model[field] != approved[field]]
            if differing:
                raise LedgerError(
                    f"the approved model of {self._prefix} is a mix of two: its job is {approved['job_name']}, as that "
                    f"of the {which} model, but {', '.join(differing)} differ: approve the candidate by "
                    "python -m operations.pipeline approve, and deploy again"
                )
        for which, model in known.items():
            self._put(which, RECORD, as_record(model), "StringList")

    def approve(self, model: Mapping[str, str]) -> None:
        """Make `model` the approved one, and keep the one it replaces as the previous one."""
        approved = self.read(APPROVED)
        if approved is not None and approved["job_name"] != model["job_name"]:
            self.write(PREVIOUS, approved)
        self.write(APPROVED, model)

    def restore(self, previous: Mapping[str, str]) -> None:
        """Approve the previous model again, and keep the one it takes back as the previous one.

        The approved set comes first: stopped in between, the next try still finds what it is to restore.
        """
        approved = self.read(APPROVED)
        self.write(APPROVED, previous)
        if approved is not None and approved["job_name"] != previous["job_name"]:
            self.write(PREVIOUS, approved)

    def clear(self) -> None:
        """Delete every set."""
        for which in SETS:
            for name in (RECORD, *FIELDS):
                try:
                    self._ssm.delete_parameter(Name=self.name(which, name))
                except ClientError as error:
                    if error.response["Error"]["Code"] != _MISSING:
                        raise

    def name(self, which: str, field: str) -> str:
        """Return the name of the parameter of a set that holds this field, or the record."""
        return f"{self._prefix}/{which}/{field}"

    def _put(self, which: str, name: str, value: str, kind: str) -> None:
        self._ssm.put_parameter(Name=self.name(which, name), Value=value, Type=kind, Overwrite=True)


def as_record(model: Mapping[str, str]) -> str:
    """Return a model's fields as a StringList holds them.

    Raises:
        KeyError: `model` lacks a field.
        LedgerError: a field is empty, holds a comma, begins or ends with a blank, which CloudFormation would drop, or
            all together are too long.
    """
    for field in FIELDS:
        value = model[field]
        if not value or value != value.strip() or _SEPARATOR in value or "{{" in value or not value.isprintable():
            raise LedgerError(
                f"{field} of a model is {value[:80]!r}: it must be printable text that is not empty, without commas, "
                "'{{', or blanks at its ends"
            )
    record = _SEPARATOR.join(model[field] for field in FIELDS)
    if (length := len(record.encode())) > MOST_RECORD_BYTES:
        raise LedgerError(
            f"the record of model {model['job_name'][:80]} has {length} bytes of at most {MOST_RECORD_BYTES}"
        )
    return record


def contradictions(model: Mapping[str, str], in_service: Mapping[str, str]) -> list[str]:
    """Return the fields that `in_service` tells otherwise of this very model; none where it tells of another model."""
    if in_service["model"] != model["job_name"]:
        return []
    return [field for member, field in IN_SERVICE.items() if in_service.get(member, model[field]) != model[field]]


def read_parameter(ssm: Ssm, name: str) -> str | None:
    """Return a parameter's value, or None where there is none of this name."""
    try:
        return ssm.get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError as error:
        if error.response["Error"]["Code"] != _MISSING:
            raise
        return None
