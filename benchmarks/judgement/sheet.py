"""Make a sheet for judges: `python -m benchmarks.judgement.sheet RESULTS --pair "open NTM:NMF" --output FOLDER`.

The folder gets items.json and page.html for the judges, protocol.json with the hashes of items and key, and key.json.
Commit all but the key before anybody judges, and the key with the answers.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from pathlib import Path

from pydantic import ValidationError

from benchmarks.judgement.items import Plan, TopicLists, encoded, hash_of, make

ITEMS_FILE, KEY_FILE, PROTOCOL_FILE, PAGE_FILE = "items.json", "key.json", "protocol.json", "page.html"
_PAGE = Path(__file__).with_name(PAGE_FILE)
_PLACE = "/*ITEMS*/null"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        pairs = tuple(_pair(text) for text in options.pair)
        lines = options.results.read_text(encoding="utf-8").splitlines()
        lists = [TopicLists.model_validate_json(line) for line in lines if '"words"' in line]
        plan = Plan(pairs, options.pairs_of_corpus, options.rated, options.intruders)
        items, key = make(lists, plan, secrets.token_hex(16))
        write(options.output, encoded(items), encoded(key), plan)
    except ValidationError as error:
        sys.stderr.write(f"sheet: {options.results} is no file of results: {error.errors()[0]['msg']}\n")
        return 2
    except (OSError, ValueError) as error:
        sys.stderr.write(f"sheet: {error}\n")
        return 2
    sys.stdout.write(f"{options.output}: {len(items)} items; give judges {PAGE_FILE}, and keep {KEY_FILE}\n")
    return 0


def write(folder: Path, items: bytes, key: bytes, plan: Plan) -> None:
    """Write a new sheet.

    Raises:
        FileExistsError: the folder is there: a sheet that may have been judged is not replaced.
    """
    folder.mkdir(parents=True)
    protocol = {
        "items_sha256": hash_of(items),
        "key_sha256": hash_of(key),
        "pairs": plan.pairs,
        "pairs_of_corpus": plan.pairs_of_corpus,
        "rated": plan.rated,
        "intruders": plan.intruders,
    }
    contents = json.dumps({"sha256": hash_of(items), "items": json.loads(items)}, ensure_ascii=False)
    # Words may hold whatever a text does: nothing in them ends the script.
    page = _PAGE.read_text(encoding="utf-8").replace(_PLACE, contents.replace("<", "\\u003c"))
    (folder / ITEMS_FILE).write_bytes(items)
    (folder / KEY_FILE).write_bytes(key)
    (folder / PROTOCOL_FILE).write_text(json.dumps(protocol, indent=1) + "\n", encoding="utf-8")
    (folder / PAGE_FILE).write_text(page, encoding="utf-8")


def _pair(text: str) -> tuple[str, str]:
    first, colon, second = text.partition(":")
    if not colon or not first or not second or first == second:
        raise ValueError(f"--pair is {text!r}, where two models with a colon between them are needed")
    return first, second


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judgement.sheet", description=__doc__)
    parser.add_argument("results", type=Path, help="JSON Lines with model, corpus, seed and words of each fit")
    parser.add_argument("--pair", action="append", required=True, help="two models to compare, as FIRST:SECOND; repeat")
    parser.add_argument("--output", type=Path, required=True, help="a new folder")
    parser.add_argument("--pairs-of-corpus", type=int, default=30, help="pairs of each two models a corpus (30)")
    parser.add_argument("--rated", type=int, default=25, help="topics of each model to rate a corpus (25)")
    parser.add_argument("--intruders", type=int, default=10, help="topics of each model to find a stranger in (10)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
