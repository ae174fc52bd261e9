# ruff: noqa: INP001
"""Write the local cloud's table of what CloudFormation's registry schemas say of each type.

Usage: .venv/bin/python scripts/cloudformation_schemas.py FILE > local_cloud/cloudformation/resource_schemas.json

FILE is JSON by type: handlers (permissions of create, read, update, delete), createOnly, conditionalCreateOnly,
readOnly, required, tagging, as in https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

SOURCE = "CloudFormation's public registry schemas"
READ = "2026-08"
FACTS = ("createOnly", "conditionalCreateOnly", "readOnly", "required", "tagging", "handlers")


def table(schemas: dict[str, dict[str, object]]) -> str:
    """Return the table's text, a line for each type."""
    lines = [
        f"  {json.dumps(kind)}: {json.dumps({fact: schema[fact] for fact in FACTS}, separators=(',', ':'))}"
        for kind, schema in sorted(schemas.items())
    ]
    head = f'{{\n "source": {json.dumps(SOURCE)},\n "read": {json.dumps(READ)},\n "types": {{\n'
    return head + ",\n".join(lines) + "\n }\n}\n"


def main() -> int:
    """Return 0 after writing the table to standard output, 2 where no file is named."""
    if len(sys.argv) != 2:  # noqa: PLR2004 (the program and the file)
        print(__doc__, file=sys.stderr)
        return 2
    sys.stdout.write(table(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
