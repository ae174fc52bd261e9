"""What the README and docs/costs.md say of costs, computed from the templates."""

from __future__ import annotations

from operations.cost import prices
from operations.cost.lines import Bill, Line, bill
from rules.model import Template
from tests.synths import ROOT
from tests.templates.conftest import Templates

README, COSTS = (" ".join((ROOT / page).read_text(encoding="utf-8").split()) for page in ("README.md", "docs/costs.md"))


def of(templates: Templates) -> Bill:
    named = [Template(part, template.to_json()) for part, template in templates.items()]
    return bill(named, prices.read(prices.FILE))


def usd(lines: tuple[Line, ...], says: str) -> float:
    return sum(line.usd for line in lines if says in line.says)


def test_the_pages_tell_what_stages_cost(dev: Templates, prod: Templates) -> None:
    small, large = of(dev), of(prod)
    hosts = [usd(each.fixed, "ml.m5.large") for each in (small, large)]
    training = f"{usd(small.by_use, 'job Train') / 6:.2f} USD"

    assert f"about {small.total:.0f} USD a month for `dev` and {large.total:.0f} for `prod`" in README
    assert f"a training is {training}" in README
    assert f"| Together, whether anybody asks or not | {small.total:.0f} USD | {large.total:.0f} USD |" in COSTS
    assert f"| 1: {hosts[0]:.0f} USD | 2: {hosts[1]:.0f} USD |" in COSTS
    assert f"5 in 2 zones: {usd(large.fixed, 'zones'):.0f} USD" in COSTS
    assert training in COSTS


def test_of_each_resource_the_bill_says_something(prod: Templates) -> None:
    found = of(prod)
    told = {line.resource for line in (*found.fixed, *found.by_use)}
    told |= {where.rpartition("/")[2] for where, _ in found.unpriced}

    assert len(told) + found.part_of_another == sum(len(each.to_json()["Resources"]) for each in prod.values())
