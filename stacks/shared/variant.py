"""The endpoint's one variant."""

from __future__ import annotations

from typing import Final

VARIANT: Final = "AllTraffic"
"""Blue/green updates need the same name before and after."""

LINKED_ROLE: Final = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
"""The role that Application Auto Scaling changes a variant by; it makes the role itself, one an account."""
