"""A function whose process ends while it works, as when the system runs out of memory."""

from __future__ import annotations

import re

import pytest

from tests.local_cloud.support import Account, invoked

pytestmark = [pytest.mark.local_cloud]


@pytest.mark.parametrize(
    ("end", "how"), [("os.kill(os.getpid(), 9)", "signal: killed"), ("os._exit(3)", "exit status 3")]
)
def test_the_answer_says_what_ended_it(account: Account, end: str, how: str) -> None:
    code = f"import os\ndef handler(event, context):\n    {end}\n"

    told = invoked(account.root("lambda"), code, account.role(service="lambda.amazonaws.com"))

    assert re.fullmatch(rf"RequestId: \S+ Error: Runtime exited with error: {how}", told["errorMessage"])
