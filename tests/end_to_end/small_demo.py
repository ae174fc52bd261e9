"""The demo on a corpus and with templates that are there already: `python -m tests.end_to_end.small_demo`.

Everything else of it is as it is: its own process, the local cloud, the CDK CLI, the job, functions and hosts.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from local_cloud.demo import __main__ as demo
from local_cloud.demo import documents
from training_scripts.corpus.manifest import PARTS
from training_scripts.corpus.sources.files import JsonLines

if TYPE_CHECKING:
    from training_scripts.corpus.documents import Document
    from training_scripts.corpus.manifest import Part

ASSEMBLY: Final = "SMALL_DEMO_ASSEMBLY"
"""The folder of the templates; without it they are synthesized."""
SETTINGS: Final = "SMALL_DEMO_SETTINGS"
DOCUMENTS: Final = "SMALL_DEMO_DOCUMENTS"
REPEATED: Final = "SMALL_DEMO_REPEATED"
"""How often every document is asked about."""


class SmallDemo(demo.Demo):
    """The demo without what takes long before its first deploy."""

    def _prepare(self) -> None:
        """Leave out the corpus, which the templates hold."""

    def _synthesize(self) -> Path:
        if ASSEMBLY in os.environ:
            return Path(os.environ[ASSEMBLY])
        assembly = self._output / "cdk.out"
        with self._stages.stage("synth", "Synthesizing the templates"):
            self._run([str(Path(sys.executable).parent / "cdk"), "synth", "--quiet", "-c", f"stage={demo.STAGE}", "-c",
                       f"settings={os.environ[SETTINGS]}", "--output", str(assembly)])  # fmt: skip
        return assembly


def by_part(corpus: Path) -> dict[Part, list[Document]]:
    """Return the small corpus's documents, as often as is asked for, in each part."""
    del corpus
    small = [*JsonLines(Path(os.environ[DOCUMENTS]), id_field="id", label_field="label").documents()]
    return dict.fromkeys(PARTS, small * int(os.environ[REPEATED]))


if __name__ == "__main__":
    demo.Demo = SmallDemo  # type: ignore[misc]
    documents.by_part = by_part
    sys.exit(demo.main())
