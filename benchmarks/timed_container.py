"""The open NTM's server with a wait before each answer: `python -m benchmarks.timed_container --wait-file FILE …`.

On a machine of two cores, instances that compute would only take each other's time. One that waits takes nobody's: so
it shows whether throughput follows the number of instances where the model is what takes long.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from training_scripts import serve
from training_scripts.ntm.serving.messages import Request, Response
from training_scripts.ntm.serving.service import INVOCATIONS, Service


def main(arguments: list[str]) -> int:
    """Serve one request at a time, each after the seconds that the file holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--wait-file", type=Path, required=True)
    options, rest = parser.parse_known_args(arguments)

    class TimedService(Service):
        def answer(self, request: Request) -> Response:
            if request.path == INVOCATIONS:
                time.sleep(float(options.wait_file.read_text()))
            return super().answer(request)

    # The server is otherwise as it is deployed.
    setattr(serve, "Service", TimedService)  # noqa: B010 - a name that the module does not export
    return serve.main([*rest, "--workers", "1"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
