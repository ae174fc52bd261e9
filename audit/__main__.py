"""Write the audit of synthesized templates. Usage: python -m audit --assembly CDK_OUT --out FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from audit import assembly, changes, page, report
from audit.controls import RETIRED
from audit.origin import Origin, of_working_tree
from training_scripts.command_line import Parser, in_a_sentence


@in_a_sentence("audit", assembly.AuditError)
def main(arguments: list[str] | None = None) -> int:
    """Return 0, 1 where findings are open, or 2 where there is nothing to audit."""
    parser = Parser(prog="audit", description="Write the audit of synthesized templates.")
    parser.add_argument("--assembly", type=Path, required=True, help="the cdk.out of a synth")
    parser.add_argument("--out", type=Path, default=Path("build/audit"), help="where to write (build/audit)")
    parser.add_argument("--against", type=Path, help="templates to compare with (the newest in audit/releases)")
    parser.add_argument("--working-tree", action="store_true", help="the templates are of the commit checked out here")
    parser.add_argument("--record", metavar="VERSION", help="keep the templates as those of a release, and end")
    chosen = parser.parse_args(arguments)
    read = assembly.read(chosen.assembly)
    if chosen.record is not None:
        changes.record(read, changes.RELEASES / chosen.record)
        print(f"audit: recorded {chosen.record}", file=sys.stderr)
        return 0
    origin = of_working_tree(Path(__file__).parent) if chosen.working_tree else Origin()
    summary = report.write(read, chosen.out, chosen.against or changes.newest(), origin)
    for name, value in summary.figures.items():
        print(f"  {value:>24}  {name}")
    for framework, counts in summary.totals.items():
        print(f"  {sum(counts.values()):>24}  controls of {framework}: {page.counted(counts)}")
        if framework in RETIRED:
            print(f"  {'':24}  ({RETIRED[framework]})")
    print(f"audit: {summary.open_findings} open findings; {chosen.out / 'index.html'}", file=sys.stderr)
    return 1 if summary.open_findings else 0


if __name__ == "__main__":
    sys.exit(main())
