"""Signed HTTP requests to a Function URL, by botocore's signer and its urllib3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

import botocore.session
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError

from topics_client.errors import NO_CONNECTION, NO_CREDENTIALS, TopicsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.credentials import Credentials

SERVICE: Final = "lambda"
CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 80.0
"""Longer than the function's own 75 s: its refusal says more than a broken connection."""

_REGION_IN_HOST: Final = re.compile(r"\.lambda-url\.([a-z0-9-]+)\.on\.(?:aws|amazonwebservices\.com\.cn)$")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends one request, once. Safe to use from several threads."""

    def send(self, method: str, path: str, query: Mapping[str, str], body: bytes | None, accept: str) -> Answer:
        """Return the answer, whatever its status.

        Raises:
            TopicsError: `no_connection` or `no_credentials`.
        """
        ...


class SignedTransport:
    """Requests signed with SigV4, or plain ones to a URL that is open.

    Args:
        url: of the function, with or without a final slash.
        region: of the function; None takes it from the URL, or else from the AWS configuration.
        session: botocore's, for the credentials; None makes one.
        signed: False for a URL of auth type NONE.
        via: connect to this address (`http://127.0.0.1:4566`) while signing for the URL's own host: the local cloud.
        connections: most connections kept open.
    """

    def __init__(
        self,
        url: str,
        *,
        region: str | None = None,
        session: botocore.session.Session | None = None,
        signed: bool = True,
        via: str | None = None,
        connections: int = 8,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url is {url!r}, where https://<id>.lambda-url.<region>.on.aws/ is needed")
        self._host = parts.netloc
        self._base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._connect_base = self._base if via is None else f"{via.rstrip('/')}{parts.path.rstrip('/')}"
        self._session = session or botocore.session.get_session()
        found = _REGION_IN_HOST.search(parts.hostname)
        self._region = region or (found.group(1) if found else self._session.get_config_variable("region"))
        if signed and not self._region:
            raise ValueError(f"the region of {url!r} is not known: give region=, or set AWS_REGION")
        self._signed = signed
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            block=False,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
        )

    def send(self, method: str, path: str, query: Mapping[str, str], body: bytes | None, accept: str) -> Answer:
        """Return the answer, whatever its status; see `Transport`."""
        # Spaces as %20: a signature is of the query as it is sent, and `+` there is read as a plus.
        tail = path + (f"?{urlencode(query, safe='', quote_via=quote)}" if query else "")
        headers = {"Host": self._host, "Accept": accept, "User-Agent": "topics-client"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._signed:
            headers = self._sign(method, self._base + tail, headers, body)
        try:
            answer = self._pool.request(method, self._connect_base + tail, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            detail = f"no answer from {self._host}: {type(error).__name__}"
            raise TopicsError(NO_CONNECTION, detail, retry=True) from None
        return Answer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data)

    def _sign(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> dict[str, str]:
        try:
            credentials: Credentials | None = self._session.get_credentials()
            if credentials is None:
                raise TopicsError(NO_CREDENTIALS, "there are no AWS credentials to sign with")
            request = AWSRequest(method=method, url=url, data=body or b"", headers=headers)
            SigV4Auth(credentials.get_frozen_credentials(), SERVICE, self._region).add_auth(request)
        except BotoCoreError as error:
            raise TopicsError(NO_CREDENTIALS, f"the AWS credentials cannot be had: {error}") from None
        return dict(request.headers.items())

    def close(self) -> None:
        """Drop the connections."""
        self._pool.clear()
