"""Requests made up from botocore's models: whatever is sent, the client's own parser reads the answer."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.parsers import create_parser
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local_cloud.support import FORECAST, root_of

if TYPE_CHECKING:
    from local_cloud import LocalCloud

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

SERVICES = {"sagemaker": "SageMaker", "application-autoscaling": "AnyScaleFrontendService"}
NOT_EMULATED = re.compile("which emulates (?P<operations>.*)$")
JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8), st.just([]), st.just({})
)
TEXTS = ("a", "a-name", "s3://bucket/key", "arn:aws:iam::000000000000:role/r", "", "x" * 300, "\u2603")
EXAMPLES = 8
DEPTH = 4


def values(shape: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return values of a shape: mostly of its type, at its limits and beyond, sometimes of another type."""
    return st.one_of(_of_its_type(shape, depth), _of_its_type(shape, depth), JUNK) if depth else _of_its_type(shape, 0)


def _of_its_type(shape: Any, depth: int) -> st.SearchStrategy[Any]:
    makers: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "structure": lambda: _structures(shape, depth),
        "list": lambda: st.lists(values(shape.member, depth + 1), max_size=2) if depth < DEPTH else st.just([]),
        "map": lambda: st.dictionaries(st.text(max_size=5), values(shape.value, depth + 1), max_size=2),
        "boolean": st.booleans,
        "string": lambda: st.sampled_from([*shape.enum[:5], "none-of-these"] if shape.enum else TEXTS),
        **dict.fromkeys(("integer", "long"), lambda: _integers(shape.metadata)),
    }
    return makers.get(shape.type_name, lambda: st.floats(allow_nan=False, allow_infinity=False))()


def _integers(limits: dict[str, int]) -> st.SearchStrategy[int]:
    edges = [limits.get("min", 0), limits.get("max", 2**31 - 1)]
    return st.sampled_from([edge + by for edge in edges for by in (-1, 0, 1)]) | st.integers()


def _structures(shape: Any, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    if depth >= DEPTH:
        return st.just({})
    members = {name: values(member, depth + 1) for name, member in shape.members.items()}
    required = {name: members[name] for name in shape.required_members}
    optional = sorted(set(members) - set(required))
    chosen = st.lists(st.sampled_from(optional), max_size=2, unique=True) if optional else st.just([])
    return st.builds(
        lambda given, more: {**given, **more},
        st.fixed_dictionaries(required),
        chosen.flatmap(lambda names: st.fixed_dictionaries({name: members[name] for name in names})),
    )


@pytest.fixture(scope="module")
def emulated(account: Any) -> dict[str, list[str]]:
    """The operations of each service, as its refusals name them."""
    found = {}
    probes: dict[str, tuple[str, dict[str, str]]] = {
        "sagemaker": ("list_pipelines", {}),
        "application-autoscaling": ("get_predictive_scaling_forecast", FORECAST),
    }
    for service, (probe, arguments) in probes.items():
        client = account.root(service)
        with pytest.raises(client.exceptions.ClientError) as refusal:
            getattr(client, probe)(**arguments)
        match = NOT_EMULATED.search(str(refusal.value))
        assert match is not None
        found[service] = match["operations"].split(", ")
    return found


def sent(cloud: LocalCloud, service: str, operation: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
    request = AWSRequest(
        method="POST",
        url=cloud.endpoint_url + "/",
        data=body,
        headers={"X-Amz-Target": f"{SERVICES[service]}.{operation}", "Content-Type": "application/x-amz-json-1.1"},
    )
    root = root_of(cloud)
    keys = Credentials(root["aws_access_key_id"], root["aws_secret_access_key"])
    SigV4Auth(keys, service, "us-east-1").add_auth(request)
    try:
        with urllib.request.urlopen(
            urllib.request.Request(request.url, body, dict(request.headers), method="POST"), timeout=30
        ) as answer:
            return answer.status, {key.lower(): value for key, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as refusal:
        headers = {key.lower(): value for key, value in refusal.headers.items()}
        return refusal.code, headers, refusal.read()


def absent(shape: Any, told: Any) -> Iterator[str]:
    """Yield the required members that an answer lacks, at any depth."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if name in told:
                yield from absent(member, told[name])
            elif name in shape.required_members:
                yield f"{shape.name}.{name}"
    elif shape.type_name == "list":
        for item in told:
            yield from absent(shape.member, item)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_answer_is_one_that_the_client_reads(
    cloud: LocalCloud, emulated: dict[str, list[str]], service: str
) -> None:
    model = botocore.session.get_session().get_service_model(service)
    parser = create_parser("json")

    @settings(max_examples=EXAMPLES * len(emulated[service]), deadline=None, database=None, derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.sampled_from(emulated[service]).flatmap(
        lambda name: st.tuples(st.just(name), values(model.operation_model(name).input_shape))
    ))  # fmt: skip
    def asked(case: tuple[str, dict[str, Any]]) -> None:
        operation, request = case
        status, headers, body = sent(cloud, service, operation, json.dumps(request).encode())
        shape = model.operation_model(operation).output_shape
        told = parser.parse({"status_code": status, "headers": headers, "body": body}, shape)
        if status == 200:
            missing = list(absent(shape, told)) if shape else []
            assert not missing, (operation, request, missing)
        else:
            assert 400 <= status < 500, (operation, request, status, body)
            assert re.fullmatch(r"[A-Z][A-Za-z]+", told["Error"]["Code"]), (operation, request, body)
            assert told["Error"]["Message"], (operation, request, body)

    asked()
