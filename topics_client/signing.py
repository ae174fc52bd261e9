"""The one place where our own callers of a Function URL sign: AWS Signature Version 4 for the service `lambda`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.credentials import Credentials, ReadOnlyCredentials

SERVICE: Final = "lambda"


def sign(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    *,
    credentials: Credentials | ReadOnlyCredentials,
    region: str | None,
) -> dict[str, str]:
    """Return `headers` with the signature of a request, which must then be sent as it is."""
    request = AWSRequest(method=method, url=url, data=body or b"", headers=dict(headers))
    SigV4Auth(credentials, SERVICE, region).add_auth(request)
    return {str(name): str(value) for name, value in request.headers.items()}
