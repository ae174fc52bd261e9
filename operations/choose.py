"""Write what a sweep recommends, or what a person chooses, into a stage's settings: `python -m operations.choose`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from operations import stage_settings
from operations.command import add_stage, command
from operations.errors import OperationError
from operations.sweep.command import DEFAULT_OUTPUT, RESULT, read_setting
from training_scripts.command_line import Parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

PROGRAM: Final = "python -m operations.choose"


@command("choose")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    _choose(_parser().parse_args(arguments))
    return 0


def _choose(options: argparse.Namespace) -> None:
    chosen = [read_setting(text) for text in options.values] or _recommended(options.sweep)
    stage_settings.write(options.settings, options.stage, chosen)
    said = ", ".join(f"{name}={value}" for name, value in chosen)
    print(f"{said}: written into stage {options.stage} of {options.settings}; the next deploy trains by it")


def _recommended(file: Path) -> list[tuple[str, str]]:
    try:
        point = json.loads(file.read_text(encoding="utf-8"))["recommended"]["point"]
        return [(str(name), str(value)) for name, value in point.items()]
    except OSError:
        raise OperationError(f"{file} is not there: run python -m operations.sweep, or say NAME=VALUE") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise OperationError(f"{file} is no result of a sweep: {error!r}") from None


def _parser() -> Parser:
    parser = Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("values", nargs="*", metavar="NAME=VALUE", help="hyperparameters (those that the sweep recommends)")
    add_stage(parser)
    add("--settings", type=Path, default=stage_settings.CDK_FILE, metavar="FILE", help="to write into (cdk.json)")
    result = DEFAULT_OUTPUT / RESULT
    add("--sweep", type=Path, default=result, metavar="FILE", help=f"a sweep's result ({result})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
