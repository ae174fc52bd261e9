"""What the README says of costs, computed from the templates."""

from __future__ import annotations

from operations.cost import prices
from operations.cost.lines import Bill, Line, bill
from rules.model import Template
from tests.synths import ROOT
from tests.templates.conftest import Templates

README = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())


def of(templates: Templates) -> Bill:
    named = [Template(part, template.to_json()) for part, template in templates.items()]
    return bill(named, prices.read(prices.FILE))


def usd(lines: tuple[Line, ...], says: str) -> float:
    return sum(line.usd for line in lines if says in line.says)


def test_the_readme_tells_what_dev_costs(dev: Templates) -> None:
    found = of(dev)

    assert f"{found.total:.0f} USD a month" in README
    assert f"{usd(found.fixed, 'ml.m5.large'):.0f} of them" in README
    assert f"{usd(found.by_use, 'job Train') / 6:.2f} USD" in README


def test_the_readme_tells_what_prod_costs(prod: Templates) -> None:
    found = of(prod)

    assert f"{found.total:.0f} USD: two hosts {usd(found.fixed, 'ml.m5.large'):.0f}" in README
    assert f"interface endpoints {usd(found.fixed, 'zones'):.0f}" in README


def test_of_each_resource_the_bill_says_something(prod: Templates) -> None:
    found = of(prod)
    told = {line.resource for line in (*found.fixed, *found.by_use)}
    told |= {where.rpartition("/")[2] for where, _ in found.unpriced}

    assert len(told) + found.part_of_another == sum(len(each.to_json()["Resources"]) for each in prod.values())
