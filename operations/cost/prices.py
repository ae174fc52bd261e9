"""Prices of one region, as a file lists them: each with the page that tells it, and the day on which it was read."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, ValidationError

from operations.errors import OperationError
from stacks.settings.frozen import Frozen

FILE: Final = Path(__file__).with_name("prices.json")
"""Prices of us-east-1."""
_Page = Annotated[str, Field(pattern=r"^https://\S+$")]


class Price(Frozen):
    """One price."""

    usd: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    per: str
    """The unit."""
    page: _Page
    """AWS's own."""
    read: date
    via: _Page | None = None
    """Where the figure was read, if not on that page, whose tables a script fills."""


class Prices(Frozen):
    """What things cost in a region, by the names that `lines` asks by."""

    region: str
    prices: dict[str, Price]


def read(file: Path) -> Prices:
    """Return the prices in a file.

    Raises:
        OperationError: it cannot be read, or is no such file; names the first member at fault.
    """
    try:
        return Prices.model_validate_json(file.read_bytes())
    except OSError as error:
        raise OperationError(f"{file} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"]) or "the file"
        raise OperationError(f"{file} is no file of prices: {where}: {fault['msg']}; see {FILE.name}") from None
