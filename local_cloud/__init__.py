"""An embedded AWS: MiniStack with SageMaker and Application Auto Scaling added, to which the CDK CLI deploys."""

from __future__ import annotations

from local_cloud.cloud import LocalCloud
from local_cloud.shared.errors import LocalCloudError
from local_cloud.shared.settings import ContainerCommands, LocalCloudSettings

__all__ = ["ContainerCommands", "LocalCloud", "LocalCloudError", "LocalCloudSettings"]
