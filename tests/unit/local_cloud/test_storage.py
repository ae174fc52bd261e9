from __future__ import annotations

import pytest

from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.storage import Location


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/some/key",
        "https://s3.us-east-1.amazonaws.com/bucket/some/key",
        "https://s3.amazonaws.com/bucket/some/key",
        "https://s3.cn-north-1.amazonaws.com.cn/bucket/some/key",
        "https://bucket.s3.eu-west-1.amazonaws.com/some/key",
        "https://bucket.s3.amazonaws.com/some/key",
    ],
)
def test_every_form_of_an_s3_address_is_read(uri: str) -> None:
    assert Location.parse(uri) == Location("bucket", "some/key")


@pytest.mark.parametrize("uri", ["bucket/key", "s3:///key", "https://example.com/bucket/key", "file:///etc/passwd"])
def test_anything_else_is_refused(uri: str) -> None:
    with pytest.raises(ServiceError, match="is not of the form s3://bucket/key"):
        Location.parse(uri)


def test_a_relative_key_is_joined_with_one_slash() -> None:
    assert (Location("b", "models/") / "x").uri == (Location("b", "models") / "x").uri == "s3://b/models/x"
    assert (Location("b", "") / "x").uri == "s3://b/x"
