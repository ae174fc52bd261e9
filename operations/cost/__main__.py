"""`python -m operations.cost`: what the stage in a cdk.out costs, before taxes; asks nobody."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from operations.command import command
from operations.cost import prices
from operations.cost.lines import HOURS, Bill, Line, bill
from operations.errors import OperationError
from rules.model import Template
from training_scripts.command_line import Parser

NOT_COUNTED: Final = "requests to S3 and KMS, metrics, traces, volumes of jobs and hosts, kept logs, data transfer"
"""What templates cannot tell, and no resource is billed by alone."""
_ENDING: Final = ".template.json"


@command("cost")
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the bill; return 0, or 2 where there are no templates or no prices."""
    parser = Parser(prog="python -m operations.cost", description=__doc__)
    parser.add_argument("--assembly", type=Path, required=True, metavar="FOLDER", help="what cdk synth -o FOLDER wrote")
    parser.add_argument(
        "--prices", type=Path, default=prices.FILE, metavar="FILE", help="prices of another region (%(default)s)"
    )
    options = parser.parse_args(arguments)
    known = prices.read(options.prices)
    print("\n".join(report(bill(templates(options.assembly), known), known)))
    return 0


def templates(folder: Path) -> list[Template]:
    """Return the templates of a cdk.out.

    Raises:
        OperationError: there are none, or one cannot be read.
    """
    files = sorted(folder.glob(f"TopicModel-*{_ENDING}"))
    if not files:
        raise OperationError(f"{folder} has no template of a stage: write them by .venv/bin/cdk synth -o {folder}")
    try:
        texts = {file.name.removesuffix(_ENDING): file.read_text(encoding="utf-8") for file in files}
        return [Template(stack, json.loads(text)) for stack, text in texts.items()]
    except (OSError, ValueError) as error:
        raise OperationError(f"the templates in {folder} cannot be read: {error}") from None


def report(found: Bill, known: prices.Prices) -> Iterator[str]:
    """Return the lines to print: what is fixed, what is by use, what is not priced, and the sources."""
    yield f"Fixed, USD a month of {HOURS} hours in {known.region}, before taxes and free tiers"
    paid = sorted((line for line in found.fixed if line.usd), key=lambda line: -line.usd)
    yield from (f"{line.usd:10.2f}  {_of(line)}" for line in paid)
    yield f"{found.total:10.2f}  in all{', without what is not priced' if found.unpriced else ''}"
    yield "By use, USD"
    yield from (f"{line.usd:10.6g} per {line.price.per}: {_of(line)}" for line in found.by_use)
    for what, count in sorted(Counter(what for _, what in found.unpriced).items()):
        names = ", ".join(where for where, each in found.unpriced if each == what)
        yield f"Not priced: {count} x {what}: {names}"
    free = len(found.fixed) - len(paid)
    yield f"Free of charge: {free} resources; in another resource's line: {found.part_of_another}"
    yield f"In no line: {NOT_COUNTED}"
    used = {line.price for line in (*found.fixed, *found.by_use)}
    for name, price in known.prices.items():
        if price in used:
            via = "" if price.via is None else f", by {price.via}"
            yield f"Source: {name}, {price.usd:g} USD per {price.per}: {price.page}, {price.read.isoformat()}{via}"


def _of(line: Line) -> str:
    return f"{line.says}  {line.path or f'{line.stack}/{line.resource}'} ({line.resource})"


if __name__ == "__main__":
    sys.exit(main())
