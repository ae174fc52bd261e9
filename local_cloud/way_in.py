"""The way in to a stage that is deployed here: its address, and lines to paste for a shell, curl and Python."""

from __future__ import annotations

import importlib
import json
import shlex
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Final, cast

from local_cloud.shared.errors import LocalCloudError
from local_cloud.shared.settings import DEFAULT_HOME, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from local_cloud.running import Running

URL_VARIABLE: Final = "TOPICS_URL"
URL_OUTPUT: Final = "FunctionUrl"
_TIMEOUT_S: Final = 90


def function_url(running: Running, stage: str | None = None) -> str | None:
    """Return the public URL of a stage, or of the one deployed last; None where none has any."""
    variables = running.variables()
    client = (
        importlib.import_module("botocore.session")
        .get_session()
        .create_client(
            "cloudformation",
            region_name=REGION,
            endpoint_url=running.endpoint_url,
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        )
    )
    return newest_url(client.describe_stacks()["Stacks"], stage)


def newest_url(stacks: Sequence[Mapping[str, object]], stage: str | None = None) -> str | None:
    """Return the URL that the newest of the stacks tells; of those alone that are named for the stage, if given."""
    urls = [
        (str(stack.get("LastUpdatedTime") or stack["CreationTime"]), output["OutputValue"])
        for stack in stacks
        if stage is None or stage in str(stack["StackName"]).split("-")
        for output in cast("list[Mapping[str, str]]", stack.get("Outputs", []))
        if output["OutputKey"] == URL_OUTPUT
    ]
    return max(urls)[1] if urls else None


def exports(running: Running, stage: str | None = None) -> dict[str, str]:
    """Return the variable that names the URL to every client; nothing where no stage has one."""
    public = function_url(running, stage)
    return {} if public is None else {URL_VARIABLE: running.function_url(public).local}


def lines(running: Running, stage: str | None = None) -> str:
    """Return what to paste, as one text, with words that the deployed model knows; empty where no stage has a URL.

    Raises:
        LocalCloudError: the URL does not answer.
    """
    public = function_url(running, stage)
    if public is None:
        return ""
    words = " ".join(_topics(running, public)[0])
    return "\n".join(_lines(running.function_url(public).local, words, running.home.root))


def _lines(url: str, words: str, home: Path) -> Iterator[str]:
    python = ".venv/bin/python"
    here = "" if home == DEFAULT_HOME.resolve() else f" --home {shlex.quote(str(home))}"
    body = shlex.quote(json.dumps({"documents": [words]}, ensure_ascii=False))
    client = f'os, topics_client; client = topics_client.TopicsClient(os.environ["{URL_VARIABLE}"])'
    code = f"import {client}; print(client.score([{json.dumps(words)}], top=3)[0].topics)"
    yield "Paste these two lines first: the keys of the local cloud, and the stage's URL."
    yield ""
    yield f'eval "$({python} -m local_cloud{here} env)"'
    yield f"export {URL_VARIABLE}={url}"
    yield ""
    yield "Then each of these tells the topics of a text:"
    yield ""
    yield f"echo {shlex.quote(words)} | .venv/bin/topics score"
    yield (
        'curl --aws-sigv4 "aws:amz:$AWS_REGION:lambda" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" '
        f"-H 'content-type: application/json' -d {body} \"${URL_VARIABLE}?top=3\""
    )
    yield f"{python} -c {shlex.quote(code)}"
    yield ""
    yield f"{python} -m local_cloud{here} down   # ends it, with all that is in it"


def _topics(running: Running, public: str) -> list[list[str]]:
    """Return the words of each topic, as the URL tells them."""
    address, headers = running.function_url(public).signed("GET", "topics", b"", {}, running.variables())
    try:
        with urllib.request.urlopen(  # noqa: S310 (loopback)
            urllib.request.Request(address, headers=headers),  # noqa: S310 (loopback)
            timeout=_TIMEOUT_S,
        ) as answer:
            return [topic["words"][:3] for topic in json.load(answer)["topics"]]
    except urllib.error.HTTPError as error:
        raise LocalCloudError(
            f"{public} is deployed and answers {error.code}: {error.read().decode(errors='replace')[:500]}"
        ) from None
    except OSError as error:
        raise LocalCloudError(f"{public} is deployed and does not answer: {error}") from None
