"""What the commands share: how each is run, and the options that say which stage, where, and by which settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, ParamSpec

from botocore.exceptions import BotoCoreError, ClientError

from explore.errors import ExploreError
from local_cloud.shared.errors import LocalCloudError
from stacks.settings.cdk_json import DEFAULT_STAGE
from stacks.settings.errors import SynthError
from training_scripts.command_line import in_a_sentence
from training_scripts.corpus.errors import CorpusError

from deployment_functions.ledger import LedgerError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

MENDABLE: Final = (ExploreError, CorpusError, SynthError, LedgerError, LocalCloudError, ClientError, BotoCoreError)
INTERRUPTED: Final = "interrupted; no file was half written, and what was started on AWS goes on"
Arguments = ParamSpec("Arguments")


def command(name: str) -> Callable[[Callable[Arguments, int]], Callable[Arguments, int]]:
    """Let a main function answer by a sentence and an exit code: of its own errors, of a stage's settings, of AWS's."""
    return in_a_sentence(name, *MENDABLE, interrupted=INTERRUPTED)


def add_stage(parser: argparse.ArgumentParser, *, by_default: bool = False, required: bool = True) -> None:
    """Add the option that names the stage; with `by_default`, a command takes the one that a deploy takes."""
    if by_default:
        parser.add_argument("--stage", default=DEFAULT_STAGE, help="as in cdk.json (%(default)s)")
    else:
        parser.add_argument("--stage", required=required, help="as in cdk.json, for example dev")


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the option that names settings over those of cdk.json."""
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="settings over the stage's, as in cdk deploy -c settings=FILE"
    )


def add_region(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the region."""
    parser.add_argument("--region", help="region to ask about (the stage's, or the credentials')")
