"""Every request that comes in by HTTP is signed with a key that is known here, and its signature is verified.

MiniStack takes `test`, any account's number and requests without credentials for root, and verifies none of those.
Inside its process, services call each other that way, which stays; from outside, only this run's root keys are root.
They are sessions of STS without a token or an end, so that MiniStack verifies them as it does every other key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from local_cloud.entrance.gate import Entry, entry
from local_cloud.entrance.root_keys import RootKeys
from local_cloud.shared import emulated_identity, emulator, private_names
from local_cloud.shared.emulator import Headers, Query, Response

if TYPE_CHECKING:
    PreBody = Callable[[str, str, Headers, Query, str], Awaitable[Response | None]]
    PostBody = Callable[[str, str, Headers, bytes, Query, str], Awaitable[Response | None]]

_REQUEST_ID = "x-amzn-RequestId"


def install(keys: RootKeys) -> None:
    """Verify what comes in, make this run's root keys known, and functions' credentials unguessable."""
    private_names.PRE_BODY.wrap(_only_what_is_open)
    private_names.POST_BODY.wrap(_authenticated)
    private_names.ACCOUNT_SCOPE.wrap(lambda original: _knowing(keys, original))
    # Before the Lambda service is imported, which takes the function from this module.
    private_names.FUNCTION_CREDENTIALS.wrap(lambda original: _unguessable(keys.secret("functions"), original))


def _knowing(keys: RootKeys, original: Callable[[str], str]) -> Callable[[str], str]:
    # Called with the key of each request before its account is settled. Sessions do not outlive a reset.
    def scope(access_key: str) -> str:
        account = keys.account_of(access_key)
        if account is None:
            return original(access_key)
        emulated_identity.register_root(access_key, account=account, secret=keys.secret_key(account))
        return access_key

    return scope


def _only_what_is_open(original: PreBody) -> PreBody:
    # What MiniStack answers before it looks for a signature: preflights with a wildcard, its own paths, sign-in pages.
    async def answered(method: str, path: str, headers: Headers, query: Query, request_id: str) -> Response | None:
        if entry.get() is Entry.OPEN:
            return await original(method, path, headers, query, request_id)
        return None

    return answered


def _authenticated(original: PostBody) -> PostBody:
    # The first hook that has the body. What follows it looks at the path before the host, and not always for a
    # signature; so Function URLs are answered here, and everything else is authenticated here.
    async def answered(  # noqa: PLR0917 - MiniStack's
        method: str, path: str, headers: Headers, body: bytes, query: Query, request_id: str
    ) -> Response | None:
        if entry.get() is Entry.OPEN:
            return await original(method, path, headers, body, query, request_id)
        if entry.get() is Entry.URL:
            return await _of_function_url(method, path.removeprefix("/"), headers, body, query, request_id)
        return emulated_identity.authentication_failure(method, path, headers, body, query, request_id)

    return answered


async def _of_function_url(  # noqa: PLR0917 - MiniStack's
    method: str, path: str, headers: Headers, body: bytes, query: Query, request_id: str
) -> Response:
    host = headers.get("host", "")
    status, response_headers, answer = await emulator.function_url_response(host, path, method, headers, body, query)
    if not any(name.lower() == _REQUEST_ID.lower() for name in response_headers):
        response_headers[_REQUEST_ID] = request_id
    return status, response_headers, answer


def _unguessable(
    secret: str, original: Callable[[Mapping[str, object]], dict[str, str]]
) -> Callable[[Mapping[str, object]], dict[str, str]]:
    # MiniStack derives a function's credentials from its ARN and its role's, of which it takes the last part as the
    # role's name. Anybody can compute those; with a secret before the name nobody can.
    def credentials(config: Mapping[str, object]) -> dict[str, str]:
        name = str(config.get("Role", "")).rsplit("/", 1)[-1]
        return original({**config, "Role": f"{secret}/{name}"})

    return credentials
