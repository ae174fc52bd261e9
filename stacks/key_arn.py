"""How settings name a customer-managed key that is somebody else's."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

KeyArn = Annotated[str, Field(pattern=r"^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")]
