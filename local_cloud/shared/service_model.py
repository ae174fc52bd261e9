"""Botocore's service models, as far as requests are checked against them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from local_cloud.shared.wire import JsonValue


class Shape(Protocol):
    """A type of the model. Members beyond `metadata` are there for the kinds that have them."""

    @property
    def type_name(self) -> str:
        """structure, list, map, string, integer, ..."""

    @property
    def metadata(self) -> Mapping[str, JsonValue]:
        """Constraints: min, max, pattern."""

    @property
    def enum(self) -> Sequence[str]:
        """Allowed values of a string; empty for any."""

    @property
    def members(self) -> Mapping[str, Shape]:
        """Members of a structure."""

    @property
    def required_members(self) -> Sequence[str]:
        """Names of those that must be given."""

    @property
    def member(self) -> Shape:
        """Items of a list."""

    @property
    def key(self) -> Shape:
        """Keys of a map."""

    @property
    def value(self) -> Shape:
        """Values of a map."""


class OperationModel(Protocol):
    """An operation of a service."""

    @property
    def input_shape(self) -> Shape:
        """What its requests look like."""


class ServiceModel(Protocol):
    """A service."""

    @property
    def operation_names(self) -> Sequence[str]:
        """Every operation that AWS has."""

    def operation_model(self, operation_name: str) -> OperationModel:
        """Return one of them."""

    def shape_for(self, shape_name: str) -> Shape:
        """Return a type by its name."""
