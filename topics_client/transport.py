"""Signed HTTP requests to a Function URL, by botocore's signer and its urllib3."""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote, urlencode, urlsplit

import botocore.session
import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from topics_client.deadline import POOLS, Deadline
from topics_client.errors import (
    ANSWER_TOO_LARGE,
    ANSWER_TOO_LATE,
    NO_CONNECTION,
    NO_CREDENTIALS,
    NOT_AN_ANSWER,
    TopicsError,
)
from topics_client.signing import sign

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.credentials import Credentials

CONNECT_TIMEOUT_S: Final = 5.0
READ_TIMEOUT_S: Final = 80.0
"""Longer than the function's own 75 s: its refusal says more than a broken connection."""

DEADLINE_S: Final = 90.0
"""For one try as a whole, whatever comes meanwhile."""
MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
"""Unpacked; a Function URL carries 6 MB."""
REGION_VARIABLE: Final = "AWS_REGION"

_BLOCK_BYTES: Final = 64 * 1024
_GZIP: Final = frozenset({"gzip", "x-gzip"})
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
            TopicsError: `no_connection`, `no_credentials`, `answer_too_late`, `answer_too_large` or `not_an_answer`.
        """
        ...


class SignedTransport:
    """Requests signed with SigV4, or plain ones to a URL that is open.

    Args:
        url: of the function, with or without a final slash.
        region: of the function; None takes it from the URL, or else from the session, AWS_REGION, AWS_DEFAULT_REGION
            or the profile, in this order.
        session: botocore's, for the credentials; None makes one.
        signed: False for a URL of auth type NONE.
        via: connect to this address (`http://127.0.0.1:4566`) while signing for the URL's own host: the local cloud.
        connections: most connections kept open.
        deadline_s: for one try as a whole.

    Raises:
        ValueError: the URL is none, or the region is not known.
        TopicsError: `no_credentials`, where the AWS configuration cannot be read.
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
        deadline_s: float = DEADLINE_S,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url is {url!r}, where https://<id>.lambda-url.<region>.on.aws/ is needed")
        self._host = parts.netloc
        self._base = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._connect_base = self._base if via is None else f"{via.rstrip('/')}{parts.path.rstrip('/')}"
        self._session = session or botocore.session.get_session()
        region_match = _REGION_IN_HOST.search(parts.hostname)
        self._region = region or (region_match.group(1) if region_match else _configured_region(self._session))
        if signed and not self._region:
            raise ValueError(f"the region of {url!r} is not known: give region=, or set {REGION_VARIABLE}")
        self._signed, self._deadline_s = signed, deadline_s
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            block=False,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
        )
        self._pool.pool_classes_by_scheme = POOLS

    def send(self, method: str, path: str, query: Mapping[str, str], body: bytes | None, accept: str) -> Answer:
        """Return the answer, whatever its status; see `Transport`."""
        # Spaces as %20: a signature is of the query as it is sent, and `+` there is read as a plus.
        tail = path + (f"?{urlencode(query, safe='', quote_via=quote)}" if query else "")
        headers = {"Host": self._host, "Accept": accept, "User-Agent": "topics-client"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._signed:
            headers = self._sign(method, self._base + tail, headers, body)
        with Deadline(self._deadline_s) as deadline:
            try:
                response = self._pool.request(
                    method, self._connect_base + tail, body=body, headers=headers, preload_content=False
                )
                raw = _read(response)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                if deadline.is_over:
                    raise self._too_late() from None
                detail = f"no answer from {self._host}: {type(error).__name__}"
                raise TopicsError(NO_CONNECTION, detail, retry=True) from None
        if deadline.is_over:
            raise self._too_late()
        answer_headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, answer_headers, _unpacked(raw, answer_headers.get("content-encoding", "")))

    def _too_late(self) -> TopicsError:
        # Not sent again: a server that needs longer than its own time limit will need it the next time too.
        return TopicsError(ANSWER_TOO_LATE, f"{self._host} has not answered as a whole within {self._deadline_s:g} s")

    def _sign(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> dict[str, str]:
        try:
            credentials: Credentials | None = self._session.get_credentials()
            if credentials is None:
                raise TopicsError(NO_CREDENTIALS, "there are no AWS credentials to sign with")
            return sign(
                method, url, body, headers, credentials=credentials.get_frozen_credentials(), region=self._region
            )
        except (BotoCoreError, ClientError) as error:
            raise TopicsError(NO_CREDENTIALS, f"the AWS credentials cannot be had: {error}") from None

    def close(self) -> None:
        """Drop the connections."""
        self._pool.clear()


def _configured_region(session: botocore.session.Session) -> str | None:
    """Return the region of the session, of AWS_REGION, which botocore does not read, or of the AWS configuration."""
    try:
        own: str | None = session.instance_variables().get("region")
        return own or os.environ.get(REGION_VARIABLE) or session.get_config_variable("region")
    except BotoCoreError as error:
        raise TopicsError(NO_CREDENTIALS, f"the AWS configuration cannot be read: {error}") from None


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    """Return the body as it was sent, and give the connection back; one that is too large is left unread."""
    blocks: list[bytes] = []
    size = 0
    while size <= MAX_ANSWER_BYTES and (block := response.read(_BLOCK_BYTES, decode_content=False)):
        blocks.append(block)
        size += len(block)
    if size > MAX_ANSWER_BYTES:
        response.close()
        raise _too_large()
    response.release_conn()
    return b"".join(blocks)


def _unpacked(raw: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return raw
    if encoding not in _GZIP:
        raise TopicsError(NOT_AN_ANSWER, f"the answer is encoded as {encoding[:20]!r}, which was not asked for")
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        body = unpacker.decompress(raw, MAX_ANSWER_BYTES + 1)
    except zlib.error:
        raise TopicsError(NOT_AN_ANSWER, "the answer is no gzip, which it says it is", retry=True) from None
    if len(body) > MAX_ANSWER_BYTES:
        raise _too_large()
    if not unpacker.eof:
        raise TopicsError(NOT_AN_ANSWER, "the answer's gzip ends too early", retry=True)
    return body


def _too_large() -> TopicsError:
    megabytes = MAX_ANSWER_BYTES // (1024 * 1024)
    return TopicsError(ANSWER_TOO_LARGE, f"the answer is larger than the {megabytes} MB that are read at most")
