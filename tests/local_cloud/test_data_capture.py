from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_cloud.hosting import Hosting, ask
from tests.local_cloud.support import Account, until

pytestmark = pytest.mark.local_cloud


def capture(bucket: str, prefix: str, *modes: str, percent: int = 100, **more: Any) -> dict[str, Any]:
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": percent,
        "DestinationS3Uri": f"s3://{bucket}/{prefix}",
        "CaptureOptions": [{"CaptureMode": mode} for mode in modes],
        **more,
    }


class Captured:
    def __init__(self, account: Account, bucket: str) -> None:
        self._s3, self._bucket = account.root("s3"), bucket

    def keys(self, prefix: str) -> list[str]:
        listed = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix).get("Contents", [])
        return [item["Key"] for item in listed]

    def events(self, prefix: str) -> list[dict[str, Any]]:
        bodies = [self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read() for key in self.keys(prefix)]
        return [json.loads(line) for body in bodies for line in body.splitlines()]


@pytest.fixture
def captured(account: Account, bucket: str) -> Captured:
    return Captured(account, bucket)


def test_what_was_asked_and_answered_is_in_files_by_endpoint_variant_and_hour(
    runtime: Any, hosting: Hosting, bucket: str, captured: Captured
) -> None:
    name = hosting.endpoint(DataCaptureConfig=capture(bucket, "captured/all", "Input", "Output"))
    answer = ask(runtime, name, "1,2", CustomAttributes="trace=7", InferenceId="doc-1")

    event = until(lambda: captured.events("captured/all"))[0]
    assert event["captureData"]["endpointInput"] == {
        "observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV",
    }  # fmt: skip
    output = event["captureData"]["endpointOutput"]
    assert (output["mode"], output["encoding"], json.loads(output["data"])) == ("OUTPUT", "JSON", answer)
    assert event["eventVersion"] == "0"
    assert event["eventMetadata"]["customAttributes"] == ["trace=7"]
    assert event["eventMetadata"]["inferenceId"] == "doc-1"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["eventMetadata"]["inferenceTime"])
    (key,) = captured.keys("captured/all")
    assert re.fullmatch(
        rf"captured/all/{name}/AllTraffic/\d{{4}}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{{3}}-[0-9a-f-]+\.jsonl", key
    )


def test_content_types_that_are_not_named_are_captured_in_base64_and_only_the_modes_asked_for(
    runtime: Any, hosting: Hosting, bucket: str, captured: Captured
) -> None:
    header = {"JsonContentTypes": ["application/jsonlines"]}
    config = capture(bucket, "captured/input", "Input", CaptureContentTypeHeader=header)
    name = hosting.endpoint(DataCaptureConfig=config)
    for kind in ("application/jsonlines", "application/json"):
        runtime.invoke_endpoint(EndpointName=name, Body=b"{}", ContentType=kind)

    events = until(lambda: (found := captured.events("captured/input")) and len(found) == 2 and found)
    assert all("endpointOutput" not in event["captureData"] for event in events)
    sides = [event["captureData"]["endpointInput"] for event in events]
    assert {side["observedContentType"]: (side["encoding"], side["data"]) for side in sides} == {
        "application/jsonlines": ("JSON", "{}"),
        "application/json": ("BASE64", base64.b64encode(b"{}").decode()),
    }


def test_a_sample_of_nothing_captures_nothing_and_an_update_can_raise_it(
    sagemaker: Any, runtime: Any, hosting: Hosting, bucket: str, captured: Captured
) -> None:
    name = hosting.endpoint(DataCaptureConfig=capture(bucket, "captured/none", "Input", percent=0))
    ask(runtime, name, "before")
    told = sagemaker.describe_endpoint(EndpointName=name)["DataCaptureConfig"]
    assert (told["CaptureStatus"], told["CurrentSamplingPercentage"]) == ("Started", 0)

    sagemaker.update_endpoint(
        EndpointName=name,
        EndpointConfigName=hosting.config(DataCaptureConfig=capture(bucket, "captured/none", "Input")),
        RetainAllVariantProperties=True,
    )
    hosting.settled(name)
    ask(runtime, name, "after")

    events = until(lambda: captured.events("captured/none"))
    assert [event["captureData"]["endpointInput"]["data"] for event in events] == ["after"]


def test_a_change_of_capture_takes_effect_also_where_an_update_keeps_the_variants_properties(
    sagemaker: Any, runtime: Any, hosting: Hosting, bucket: str, captured: Captured
) -> None:
    name = hosting.endpoint(DataCaptureConfig=capture(bucket, "captured/old", "Input"))
    sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=hosting.config(), RetainAllVariantProperties=True)

    assert "DataCaptureConfig" not in hosting.settled(name)
    ask(runtime, name, "after")
    assert captured.events("captured/old") == []


def test_data_capture_cannot_be_excluded_from_what_an_update_keeps(sagemaker: Any, hosting: Hosting) -> None:
    with pytest.raises(ClientError, match="DataCaptureConfig is not currently supported"):
        sagemaker.update_endpoint(
            EndpointName=hosting.endpoint(),
            EndpointConfigName=hosting.config(),
            RetainAllVariantProperties=True,
            ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DataCaptureConfig"}],
        )


def test_a_destination_that_is_no_place_in_s3_is_refused(hosting: Hosting) -> None:
    with pytest.raises(ClientError, match="DestinationS3Uri|not of the form s3://bucket/key"):
        hosting.config(DataCaptureConfig=capture("b", "x", "Input", DestinationS3Uri="https://example.com/x"))
