# ruff: noqa: INP001
"""Write the local cloud's table of AWS's managed policies, from the one that moto keeps of them.

Usage: .venv/bin/python scripts/managed_policies.py DATE > local_cloud/patches/managed_policies.tsv.gz

DATE is today's, as 2026-12-01. The first line tells moto's version and the date; then a line for each policy: path and
name, version, when it was made and changed, and its document. The same table gives the same bytes. Policies of
service-linked roles are left out: nobody but AWS attaches them.
"""

from __future__ import annotations

import gzip
import json
import sys
from importlib.metadata import version

from moto.iam.aws_managed_policies import aws_managed_policies_data

SERVICE_LINKED = "/aws-service-role/"


def table(date: str) -> str:
    """Return the table's text."""
    lines = [f"moto {version('moto')}\t{date}"]
    for name, policy in sorted(json.loads(aws_managed_policies_data).items()):
        if policy["Path"] == SERVICE_LINKED:
            continue
        fields = (policy["DefaultVersionId"], policy["CreateDate"], policy["UpdateDate"])
        document = json.dumps(policy["Document"], separators=(",", ":"))
        lines.append("\t".join((policy["Path"].lstrip("/") + name, *fields, document)))
    return "\n".join(lines) + "\n"


def main() -> int:
    """Return 0 after writing the packed table to standard output, 2 where no date is given."""
    if len(sys.argv) != 2:  # noqa: PLR2004 (the program and the date)
        print(__doc__, file=sys.stderr)
        return 2
    sys.stdout.buffer.write(gzip.compress(table(sys.argv[1]).encode(), mtime=0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
