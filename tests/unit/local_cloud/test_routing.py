from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from local_cloud.sagemaker.hosting.fleet import Variant
from local_cloud.sagemaker.hosting.serving import ServingInstance


@dataclass
class Instance:
    """What the choice looks at."""

    outstanding: int


def variant(*outstanding: int) -> Variant:
    made = Variant.__new__(Variant)
    made._instances = tuple(cast("ServingInstance", Instance(count)) for count in outstanding)
    return made


def test_the_instance_with_the_fewest_requests_is_chosen() -> None:
    assert {cast("Instance", variant(2, 1, 3).pick()).outstanding for _ in range(20)} == {1}


def test_callers_in_step_with_each_other_meet_every_instance() -> None:
    three = variant(0, 0, 0)
    met = set()
    for _ in range(100):
        # Another caller asks twice between each two requests of this one.
        three.pick()
        three.pick()
        met.add(id(three.pick()))
    assert len(met) == 3


def test_without_instances_there_is_none() -> None:
    assert variant().pick() is None
