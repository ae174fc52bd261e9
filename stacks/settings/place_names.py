"""How settings name a bucket and a customer-managed key that are somebody else's."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]
KeyArn = Annotated[str, Field(pattern=r"^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")]
