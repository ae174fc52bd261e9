"""`bundle.json`: what a bundle of code and wheels says of itself. Pydantic and the standard library: synth asks."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training_scripts.script_mode import layout
from training_scripts.versions import canonical_json, sha256_hex

if TYPE_CHECKING:
    from pathlib import Path

Processor = Literal["cpu", "gpu", "spark"]
"""What runs the bundle: the open NTM on one of the first two, the preparation of a corpus on the last."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_BLOCK_BYTES: Final = 1 << 20


class BundleError(Exception):
    """A bundle that cannot be used or made. The message is one sentence."""


class BundleManifest(BaseModel):
    """The contents of `bundle.json`. `bundle_hash` covers everything else that is here, and so every byte."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    bundle_hash: Sha256
    code_hash: Sha256
    processor: Processor
    python_version: Annotated[str, Field(pattern=r"^3\.\d+$")]
    files: dict[str, Sha256]

    @classmethod
    def describing(cls, folder: Path, *, code_hash: str, processor: Processor, python_version: str) -> BundleManifest:
        """Return the manifest of the files that are in `folder`."""
        found = {
            path.relative_to(folder).as_posix(): sha256_of(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != layout.MANIFEST_NAME
        }
        contents: dict[str, object] = {
            "schema_version": 1,
            "code_hash": code_hash,
            "processor": processor,
            "python_version": python_version,
            "files": found,
        }
        return cls.model_validate({**contents, "bundle_hash": sha256_hex(canonical_json(contents))})

    @classmethod
    def load(cls, folder: Path) -> BundleManifest:
        """Read the manifest of the bundle in `folder`.

        Raises:
            BundleError: there is none, or it is not what it should be.
        """
        path = folder / layout.MANIFEST_NAME
        try:
            manifest = cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise BundleError(f"{folder} holds no bundle") from None
        except OSError as error:
            raise BundleError(f"{path} cannot be read: {error.strerror}") from None
        except ValidationError as error:
            raise BundleError(f"{path} is no bundle's manifest: {error.errors()[0]['msg']}") from None
        contents = manifest.model_dump(mode="json", exclude={"bundle_hash"})
        if sha256_hex(canonical_json(contents)) != manifest.bundle_hash:
            raise BundleError(f"{path} has another hash than its contents")
        return manifest

    def check_files(self, folder: Path) -> None:
        """Compare every file of the bundle with its hash.

        Raises:
            BundleError: a file is missing, has other bytes, or is not of the bundle.
        """
        present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        if unknown := sorted(present - self.files.keys() - {layout.MANIFEST_NAME}):
            raise BundleError(f"{folder / unknown[0]} is not of the bundle")
        for name, expected in self.files.items():
            try:
                found = sha256_of(folder / name)
            except OSError as error:
                raise BundleError(f"{folder / name} cannot be read: {error.strerror}") from None
            if found != expected:
                raise BundleError(f"{folder / name} has other bytes than {layout.MANIFEST_NAME} says")

    def encoded(self) -> bytes:
        """Return the bytes of `bundle.json`."""
        return (json.dumps(self.model_dump(mode="json"), sort_keys=True, indent=1) + "\n").encode()


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file that may be large."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
