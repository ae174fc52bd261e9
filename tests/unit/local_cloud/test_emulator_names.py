from __future__ import annotations

from importlib.metadata import version

import pytest

from local_cloud.shared.private_names import NAMES, PrivateName


@pytest.mark.parametrize("name", NAMES, ids=lambda name: f"{name.module}.{name.name}")
def test_every_private_name_of_ministack_that_we_use_exists(name: PrivateName) -> None:
    assert name.get() is not None


def test_the_version_of_ministack_is_the_one_whose_names_these_are() -> None:
    assert version("ministack") == "1.5.33"
