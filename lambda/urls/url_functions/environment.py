"""How settings are read from a function's environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(ValueError):
    """An environment variable that is missing or out of range."""


def log_level(environment: Mapping[str, str]) -> str:
    """Return the level that LOG_LEVEL names, INFO where it is not set.

    Raises:
        SettingsError: names the variable, its value and what is allowed.
    """
    level = environment.get("LOG_LEVEL", "INFO").upper()
    if level not in LOG_LEVELS:
        raise SettingsError(f"LOG_LEVEL is {level!r}, allowed are {', '.join(LOG_LEVELS)}")
    return level


def required(environment: Mapping[str, str], name: str) -> str:
    """Return a variable that the stack must set.

    Raises:
        SettingsError: names the variable, its value and what is allowed.
    """
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set: the stack that deploys this function must set it")
    return value


def switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Return a variable that is true or false.

    Raises:
        SettingsError: names the variable, its value and what is allowed.
    """
    text = environment.get(name, "") or str(default).lower()
    if text not in ("true", "false"):
        raise SettingsError(f"{name} is {text!r}, allowed are true and false")
    return text == "true"


def number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """Return a whole number from `least` to `most`.

    Raises:
        SettingsError: names the variable, its value and what is allowed.
    """
    text = environment.get(name, "")
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise SettingsError(f"{name} is {text!r}, allowed are whole numbers from {least} to {most}")
    return int(text)
