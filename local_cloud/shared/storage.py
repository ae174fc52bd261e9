"""S3 as a job uses it: with its own role's credentials, over the emulator's checked HTTP interface."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from local_cloud.shared.roles import Credentials
from local_cloud.shared.service_errors import validation_error

CHUNK_BYTES = 1024 * 1024
_PATH_STYLE = re.compile(r"^s3[.-][a-z0-9.-]*amazonaws\.com(\.cn)?$|^s3\.amazonaws\.com$")
_HOST_STYLE = re.compile(r"^(?P<bucket>.+)\.s3[.-][a-z0-9.-]*amazonaws\.com(\.cn)?$|^.+\.s3\.amazonaws\.com$")


@dataclass(frozen=True)
class Location:
    """A place in S3: an object's, or a prefix of objects."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """The s3:// form."""
        return f"s3://{self.bucket}/{self.key}"

    def __truediv__(self, relative: str) -> Location:
        return Location(self.bucket, f"{self.key.rstrip('/')}/{relative}".lstrip("/"))

    @classmethod
    def parse(cls, uri: str) -> Location:
        """Read s3://bucket/key, or the https:// form that Step Functions' templates write.

        Raises:
            ServiceError: it is neither.
        """
        parts = urlsplit(uri)
        host, path = parts.netloc, parts.path.lstrip("/")
        if parts.scheme == "s3" and host:
            return cls(host, path)
        if parts.scheme == "https" and _PATH_STYLE.match(host):
            bucket, _, key = path.partition("/")
            return cls(bucket, key)
        if parts.scheme == "https" and (match := _HOST_STYLE.match(host)):
            return cls(match["bucket"] or host.removesuffix(".s3.amazonaws.com"), path)
        raise validation_error(f"S3 URI {uri!r} is not of the form s3://bucket/key")


class StorageError(Exception):
    """S3 refused. `code` and `status` are its own, as in NoSuchKey (404)."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(f"{code} ({status}): {message}")
        self.code = code
        self.status = status


@dataclass(frozen=True)
class StoredObject:
    """An object of a listing."""

    key: str
    size: int


class ObjectStore:
    """S3 with one role's credentials. Every method raises StorageError where S3 refuses."""

    def __init__(self, credentials: Credentials, endpoint_url: str, region: str) -> None:
        config = importlib.import_module("botocore.config").Config(
            s3={"addressing_style": "path"}, retries={"max_attempts": 2, "mode": "standard"}
        )
        self._client = _session().create_client(
            "s3",
            region_name=region,
            endpoint_url=endpoint_url,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token,
            config=config,
        )
        self._error = importlib.import_module("botocore.exceptions").ClientError

    def list(self, prefix: Location) -> list[StoredObject]:
        """Return the objects below a prefix in the order of their keys; markers of folders are left out."""
        with self._translated():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
            objects = [StoredObject(item["Key"], item["Size"]) for page in pages for item in page.get("Contents", [])]
        return [item for item in objects if not item.key.endswith("/")]

    def size(self, place: Location) -> int:
        """Return an object's size in bytes."""
        with self._translated():
            return int(self._client.head_object(Bucket=place.bucket, Key=place.key)["ContentLength"])

    def download(self, place: Location, file: Path) -> None:
        """Write an object to a file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as out:
            for chunk in self.chunks(place):
                out.write(chunk)

    def chunks(self, place: Location) -> Iterator[bytes]:
        """Return an object's bytes, a megabyte at a time."""
        with self._translated():
            body = self._client.get_object(Bucket=place.bucket, Key=place.key)["Body"]
            yield from body.iter_chunks(CHUNK_BYTES)

    def upload(self, source: Path | BinaryIO, place: Location, *, kms_key: str = "") -> None:
        """Store a file, or an open one from its position, encrypted with a key when one is given."""
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}
        with self._translated():
            if isinstance(source, Path):
                with source.open("rb") as content:
                    self._client.put_object(Bucket=place.bucket, Key=place.key, Body=content, **encryption)
            else:
                self._client.put_object(Bucket=place.bucket, Key=place.key, Body=source, **encryption)

    def _translated(self) -> _Translation:
        return _Translation(self._error)


class _Translation:
    def __init__(self, kind: type[Exception]) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, self._kind):
            answer: Any = error
            response = answer.response
            status = int(response["ResponseMetadata"]["HTTPStatusCode"])
            raise StorageError(_code(response["Error"]["Code"], status), status, response["Error"]["Message"]) from None


def _code(code: str, status: int) -> str:
    # A HEAD request's answer has no body to name the error in.
    return {"403": "AccessDenied", "404": "NoSuchKey"}.get(code, code) if code.isdecimal() else code or str(status)


_shared_session: list[Any] = []


def _session() -> Any:  # noqa: ANN401 - botocore has no types
    # One session: each would read botocore's models again.
    if not _shared_session:
        _shared_session.append(importlib.import_module("botocore.session").get_session())
    return _shared_session[0]
