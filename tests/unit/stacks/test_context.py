from __future__ import annotations

import pytest

from stacks.settings import cdk_json
from stacks.settings.errors import SynthError


@pytest.mark.parametrize(
    ("key", "hint"),
    [("stag", "did you mean stage"), ("setings", "did you mean settings"), ("x", "-c takes settings")],
)
def test_a_key_of_the_context_that_nothing_reads_is_refused_with_the_nearest(key: str, hint: str) -> None:
    with pytest.raises(SynthError, match=rf"context key '{key}' is unknown: {hint}"):
        cdk_json.refuse_unknown(["stages", key])


@pytest.mark.parametrize(
    "key", ["@aws-cdk/core:newStyle", "aws:cdk:enable-path-metadata", "availability-zones:account=1:region=r", "a/b"]
)
def test_the_keys_of_cdks_own_are_not_looked_at(key: str) -> None:
    cdk_json.refuse_unknown([*cdk_json.CONTEXT, key])
