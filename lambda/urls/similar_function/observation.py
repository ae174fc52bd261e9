"""What is watched of a request: one line of CloudWatch's embedded metric format, which is its log line as well."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

NAMESPACE: Final = "TopicModel"
DIMENSION: Final = "Function"


@dataclass(slots=True)
class Observation:
    """What is known of one request when it has been answered. Never an id or a word of a document."""

    request_id: str | None
    method: str = ""
    path: str = ""
    status: int = 0
    code: str | None = None
    model: str | None = None
    latency_ms: float = 0.0


def emitter(function: str, write: Callable[[str], None]) -> Callable[[Observation], None]:
    """Return what writes the line of each request of a function."""

    def emit(seen: Observation) -> None:
        values: dict[str, float] = {"SimilarLatency": round(seen.latency_ms, 3)}
        units = {"SimilarLatency": "Milliseconds"}
        if seen.code is not None:
            values["SimilarRefusals"], units["SimilarRefusals"] = 1, "Count"
        directive = {
            "Namespace": NAMESPACE,
            "Dimensions": [[DIMENSION]],
            "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
        }
        fields: dict[str, object] = {
            "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]},
            DIMENSION: function,
            "message": "request",
            "request_id": seen.request_id,
            "method": seen.method,
            "path": seen.path,
            "status": seen.status,
            "code": seen.code,
            "model": seen.model,
        }
        write(json.dumps({**fields, **values}))

    return emit
