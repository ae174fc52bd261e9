"""What of S3 Vectors' requests has no effect here, and what is refused, by operation."""

from __future__ import annotations

from collections.abc import Mapping

from local_cloud.shared.members import Members

MEMBERS: Mapping[str, Members] = {
    "CreateVectorBucket": Members(without_effect=("encryptionConfiguration", "tags")),
    "CreateIndex": Members(without_effect=("encryptionConfiguration", "metadataConfiguration", "tags")),
    "ListVectors": Members(refused=("segmentCount", "segmentIndex")),
    "QueryVectors": Members(refused=("filter", "nextToken"), only={"queryMode": ("CLASSIC",)}),
}
