"""What is particular to uploading the open NTM's code and wheels, which a channel then brings to its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stacks.data.folder_upload import Folder
from stacks.shared.bucket_layout import CODE_PREFIX
from training_scripts.script_mode import layout

if TYPE_CHECKING:
    from stacks.data.open_bundle import LocalBundle

_STORAGE_MB: Final = 10_240
"""CUDA's libraries alone are 3 GB."""


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
