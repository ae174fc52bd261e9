"""An object of S3, read whole, and what stands in the way told apart: it is not there, or it cannot be read now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from url_functions.ports import S3Client

NOT_THERE: Final = frozenset({"NoSuchKey", "404", "AccessDenied", "NoSuchBucket"})
"""Without the right to list, S3 answers AccessDenied for what does not exist."""


class UnreadableObjectError(Exception):
    """An object that cannot be read, with the client's reason."""


class MissingObjectError(UnreadableObjectError):
    """An object that is not there."""


def read_object(client: S3Client, bucket: str, key: str) -> bytes:
    """Return an object's content.

    Raises:
        MissingObjectError: there is none.
        UnreadableObjectError: it cannot be read, now or at all.
    """
    try:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read()
    except (ClientError, BotoCoreError, OSError) as error:
        missing = isinstance(error, ClientError) and error.response.get("Error", {}).get("Code") in NOT_THERE
        kind = MissingObjectError if missing else UnreadableObjectError
        raise kind(f"{type(error).__name__}: {error}") from None
