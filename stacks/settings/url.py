"""Settings of the Function URL: who may call it, from which web pages, and how it runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from stacks.settings.frozen import Frozen
from training_scripts.hyperparameters import Int

Caller = Annotated[str, Field(pattern=r"^(\d{12}|arn:[a-z-]+:iam::\d{12}:(role|user)/[\w+=,.@/-]+)$")]
"""A principal by its ARN, or all of an account by its number: whom of its own it lets call is that account's affair."""

Origin = Annotated[
    str, Field(pattern=r"^(https://[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?|https?://(localhost|127\.0\.0\.1)(:\d{1,5})?)$")
]
"""Where a web page comes from, as a browser names it: scheme and host, a port where it is not the scheme's own."""


class CorsSettings(Frozen):
    """Web pages that may call the URL from a browser. Each origin is named; there is no `*`."""

    origins: Annotated[tuple[Origin, ...], Field(min_length=1, max_length=20)]
    max_age_s: Annotated[Int, Field(ge=0, le=86_400)] = 600
    """How long a browser may remember the answer to its preflight."""


class UrlSettings(Frozen):
    """The Function URL, which applications call."""

    enabled: bool = True
    """False where the region has no Function URLs: the function is there, and is invoked by its name."""
    auth: Literal["AWS_IAM", "NONE"] = "AWS_IAM"
    """AWS_IAM: callers sign with credentials that may invoke it. NONE: open to the internet."""
    callers: Annotated[tuple[Caller, ...], Field(max_length=20)] = ()
    """Who may call the URL, and nothing more: roles and users by ARN, accounts by number. Callers of the stage's own
    account may also be allowed by their own policies."""
    cors: CorsSettings | None = None
    open_because: Annotated[str, Field(min_length=20, max_length=500)] | None = None
    """Why the URL may be open: what whoever signs for it reads in the template. An open URL must have one."""
    memory_mb: Annotated[Int, Field(ge=512, le=10_240)] = 1024
    snap_start: bool = False
    """Start from a snapshot of the loaded function: no cold start, at the price of keeping snapshots."""
    reserved_concurrency: Annotated[Int, Field(ge=1, le=1000)] | None = None
    """Most requests at once; None leaves the account's limit. An open URL must have one."""

    @model_validator(mode="after")
    def _an_open_url_is_bounded_and_meant(self) -> UrlSettings:
        if self.auth != "NONE":
            if self.open_because is not None:
                raise ValueError("open_because is set, but auth is AWS_IAM: leave it out, or set auth to NONE")
            return self
        if self.reserved_concurrency is None:
            raise ValueError(
                "auth is NONE, which opens the URL to the internet: set reserved_concurrency too, "
                "so that strangers cannot use up the account"
            )
        if self.open_because is None:
            raise ValueError(
                "auth is NONE, which opens the URL to the internet: say in open_because why that is right, "
                "for whoever reads the template"
            )
        if self.callers:
            raise ValueError("auth is NONE, and callers are named: an open URL has no need of them, so leave one out")
        return self

    @model_validator(mode="after")
    def _what_is_of_the_url_needs_one(self) -> UrlSettings:
        given = {"callers": bool(self.callers), "cors": self.cors is not None, "auth NONE": self.auth == "NONE"}
        for setting, is_given in given.items():
            if is_given and not self.enabled:
                raise ValueError(f"enabled is false, and {setting} is set, which is of the URL: leave one out")
        if len(set(self.callers)) != len(self.callers):
            raise ValueError("callers names one caller twice: name each once")
        return self
