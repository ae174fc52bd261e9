"""What is particular to uploading the open NTM's code and wheels, which a channel then brings to its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stacks.data.folder_upload import Folder
from training_scripts.script_mode import layout

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3

    from stacks.data.open_bundle import LocalBundle

CODE_PREFIX: Final = "code/"
"""In the stage's corpus bucket; a folder a bundle, named by its hash."""
_STORAGE_MB: Final = 10_240
"""CUDA's libraries alone are 3 GB."""


@dataclass(frozen=True)
class CodeLocation:
    """Where the training job finds code and wheels."""

    bucket: s3.IBucket
    bundle_hash: str

    @property
    def uri(self) -> str:
        """The bundle's own folder."""
        return f"s3://{self.bucket.bucket_name}/{CODE_PREFIX}{self.bundle_hash}/"


def code_folder(bundle: LocalBundle) -> Folder:
    """Return a bundle as a folder to upload."""
    return Folder(
        bundle.folder,
        bundle.bundle_hash,
        CODE_PREFIX,
        kind="Code",
        noun="bundle",
        called="bundle of code and wheels",
        manifest=layout.MANIFEST_NAME,
        storage_mb=_STORAGE_MB,
    )
