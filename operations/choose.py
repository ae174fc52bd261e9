"""Write what a sweep recommends, or what a person chooses, into a file of settings: `python -m operations.choose`.

The file is an overlay for `-c settings=FILE`: it holds what differs from the stage in cdk.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from operations import stage_settings
from operations.command import add_stage, command
from operations.errors import OperationError
from operations.sweep.command import DEFAULT_OUTPUT, RESULT, read_setting
from training_scripts.command_line import Parser

PROGRAM: Final = "python -m operations.choose"


@command("choose")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    _choose(_parser().parse_args(arguments))
    return 0


def _choose(options: argparse.Namespace) -> None:
    chosen = [read_setting(text) for text in options.values] or _recommended(options.sweep)
    file = options.settings or Path(f"settings-{options.stage}.json")
    stage_settings.write(file, options.stage, chosen)
    settings = ", ".join(f"{name}={value}" for name, value in chosen)
    print(f"{settings}: written into {file}; cdk deploy --all -c stage={options.stage} -c settings={file} trains by it")


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
    add("--settings", type=Path, metavar="FILE", help="to write into (settings-STAGE.json)")
    result = DEFAULT_OUTPUT / RESULT
    add("--sweep", type=Path, default=result, metavar="FILE", help=f"a sweep's result ({result})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
