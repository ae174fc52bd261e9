"""GET: the topics, the health, the description and its page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from scripts import api_page

from topics_function.answering import openapi
from url_functions.limits import DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_ROWS
from url_functions.media_types import READABLE, WRITABLE
from url_functions.problems import KINDS, Code

PAGES = [api_page.TOPICS, api_page.SIMILAR]
MOST_BYTES_OF_A_PAGE = 64_000
DOCUMENT: dict[str, Any] = openapi.document(DEFAULT_MAX_BODY_BYTES, DEFAULT_MAX_ROWS)


def get(service: Any, path: str, **more: Any) -> Any:
    return service.send(None, None, method="GET", path=path, **more)


def test_topics_are_listed_with_their_words(service: Any) -> None:
    reply = get(service, "/topics")

    assert (reply.json["model"], reply.json["corpus"]) == ("job-1", "c1")
    assert reply.json["topics"][1] == {"id": 1, "label": "Driving", "share": 0.3, "words": ["car"], "weights": [0.8]}


@pytest.mark.parametrize("artifact", [None, "https://x/y", "s3://models/other/model.tar.gz"])
def test_topics_that_are_not_published_are_404(service: Any, artifact: str | None) -> None:
    service.ssm.record["artifact"] = artifact

    assert get(service, "/topics").json["code"] == "topics_unknown"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"topics":[]}',
        b'{"topics":[{"id":1,"words":[]}]}',
        b'{"topics":[{"id":0,"words":[7]}]}',
        b'{"topics":[{"id":0,"words":["a"],"share":"much"}]}',
        b'{"topics":[{"id":0,"words":["a"]}],"mean_weights":[1,2]}',
    ],
)
def test_a_topics_file_that_is_wrong_counts_as_none(service: Any, content: bytes) -> None:
    service.s3.objects["jobs/job-1/output/topics.json"] = content

    assert get(service, "/topics").json["code"] == "topics_unknown"


def test_topics_that_cannot_be_read_now_are_worth_a_retry(service: Any, service_failure: Any) -> None:
    service.s3.failure = service_failure("SlowDown", 503)
    assert get(service, "/topics").json["code"] == "topics_unavailable"

    service.s3.failure = None
    assert get(service, "/topics").status == 200


def test_health_names_the_model_without_calling_it(service: Any) -> None:
    reply = get(service, "/health")

    assert (reply.status, reply.json["status"], reply.json["model"]) == (200, "ok", "job-1")
    assert service.runtime.calls == []


def test_health_calls_the_endpoint_on_request(service: Any, service_failure: Any) -> None:
    assert get(service, "/health", query="endpoint=true").json["endpoint_called"] is True
    assert service.runtime.calls == [[[1, 0, 0]]]

    service.runtime.script = [service_failure("ValidationError", 400)]
    assert get(service, "/health", query="endpoint=true").status == 503


def test_no_model_in_service_is_not_healthy(service: Any, service_failure: Any) -> None:
    service.ssm.failure = service_failure("ParameterNotFound", 400)

    assert get(service, "/health").json["code"] == "model_not_in_service"


@pytest.mark.parametrize("path", ["/topics", "/health", "/openapi.json"])
class TestEveryReadingPath:
    """What all of them have in common."""

    def test_head_has_the_headers_and_no_body(self, service: Any, path: str) -> None:
        reply = service.send(None, None, method="HEAD", path=path)

        assert (reply.status, reply.text) == (200, "")

    def test_other_methods_are_405(self, service: Any, path: str) -> None:
        reply = service.send("", None, method="POST", path=path)

        assert (reply.status, reply.headers["allow"]) == (405, "GET")

    def test_unknown_parameters_are_refused(self, service: Any, path: str) -> None:
        assert get(service, path, query="verbose=1").json["code"] == "invalid_parameter"

    def test_other_media_types_are_406(self, service: Any, path: str) -> None:
        assert get(service, path, accept="image/png").status == 406


def test_the_description_is_the_one_of_the_constants(service: Any) -> None:
    assert get(service, "/openapi.json").json == DOCUMENT


def test_the_description_has_exactly_the_routes_of_the_application(service: Any) -> None:
    described = {path: tuple(method.upper() for method in methods) for path, methods in DOCUMENT["paths"].items()}

    assert described == service.application.routes


def test_the_description_has_exactly_the_media_types_of_the_code() -> None:
    scoring = DOCUMENT["paths"]["/"]["post"]

    assert set(scoring["requestBody"]["content"]) == set(READABLE)
    assert set(scoring["responses"]["200"]["content"]) == set(WRITABLE)


def test_every_code_is_described_under_its_status() -> None:
    described: set[str] = {str(Code.UNKNOWN_ROUTE)}
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                for content in answer["content"].values():
                    codes = content["schema"].get("properties", {}).get("code", {}).get("enum", [])
                    assert all(KINDS[Code(code)].status == int(status) for code in codes)
                    described |= set(codes)

    assert described == {str(code) for code in Code}


def test_every_reference_leads_somewhere() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    text = json.dumps(DOCUMENT)

    references = {piece.split('"')[0] for piece in text.split('"$ref": "#/components/schemas/')[1:]}

    assert references <= schemas.keys()


class _Loads(HTMLParser):
    """Collects what a page would load or run."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "br"):
            self.open.append(tag)
        self.loads += [tag] if tag in ("script", "link", "img", "iframe") else []
        self.loads += [name for name, value in attrs if name == "src" or (name == "href" and tag != "a")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def text_of(page: api_page.Page) -> str:
    return (api_page.DOCS / page.file).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.file)
def test_a_page_names_everything_is_small_and_loads_nothing(page: api_page.Page) -> None:
    parser, text = _Loads(), text_of(page)
    parser.feed(text)

    assert (parser.loads, parser.open) == ([], [])
    assert all(path in text for path in page.document["paths"])
    assert all(str(code) in text for code in page.problems)
    assert len(text.encode()) < MOST_BYTES_OF_A_PAGE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.file)
def test_a_page_leads_to_each_operation_and_to_what_it_names(page: api_page.Page) -> None:
    text = text_of(page)
    ids = re.findall(r' id="([^"]+)"', text)
    links = re.findall(r'href="#([^"]+)"', text)

    assert len(set(ids)) == len(ids)
    assert set(links) <= set(ids)
    assert {each["operationId"] for _, _, each in api_page.operations_of(page.document)} <= set(links)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.file)
def test_a_page_is_what_the_code_says(page: api_page.Page) -> None:
    assert text_of(page) == api_page.render(page), (
        "it is not what the code says; write it anew: PYTHONPATH=.:lambda/urls python -m scripts.api_page"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.file)
def test_each_example_is_of_its_schema(page: api_page.Page) -> None:
    schemas = pytest.importorskip("jsonschema_rs")
    components = {"components": page.document["components"]}
    bodies = [
        content
        for _, _, each in api_page.operations_of(page.document)
        for holder in (each.get("requestBody", {}), each["responses"]["200"])
        for content in holder.get("content", {}).values()
        if "example" in content
    ]

    assert len(bodies) > len(page.document["paths"]) - 2
    for one in bodies:
        schemas.validate({**components, **one["schema"]}, one["example"])
