"""Data capture: what an endpoint was asked and answered, as files of JSON Lines under the model's role."""

from __future__ import annotations

import base64
import json
import logging
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared import roles
from local_cloud.shared.emulator import Scope
from local_cloud.shared.service_errors import ServiceError
from local_cloud.shared.storage import Location, StorageError
from local_cloud.shared.wire import JsonObject, MutableJson, Node

logger = logging.getLogger("local_cloud")

FLUSH_S = 1.0
"""How long what was captured waits for more; SageMaker writes each minute or so."""

EVENT_VERSION = "0"
DEFAULT_CSV_TYPES = ("text/csv",)
DEFAULT_JSON_TYPES = ("application/json",)


@dataclass(frozen=True)
class Exchange:
    """One request and its answer."""

    variant: str
    role_arn: str
    asked_type: str
    asked: bytes
    answered_type: str
    answered: bytes
    custom_attributes: str = ""
    inference_id: str = ""


class Capture:
    """The data capture of one deployment of an endpoint.

    Args:
        request: DataCaptureConfig of the endpoint config.
    """

    def __init__(self, backend: Backend, scope: Scope, endpoint: str, arn: str, request: Node) -> None:
        self.request = request
        self._backend = backend
        self._scope = scope
        self._endpoint = endpoint
        self._arn = arn
        self._place = Location.parse(request.text("DestinationS3Uri"))
        self._share = request.integer("InitialSamplingPercentage") / 100
        modes = {item.text("CaptureMode") for item in request.nodes("CaptureOptions")}
        self._input = bool(modes & {"Input", "InputAndOutput"})
        self._output = bool(modes & {"Output", "InputAndOutput"})
        types = request.node("CaptureContentTypeHeader")
        self._csv = frozenset(types.texts("CsvContentTypes") or DEFAULT_CSV_TYPES)
        self._json = frozenset(types.texts("JsonContentTypes") or DEFAULT_JSON_TYPES)
        self._waiting: list[tuple[datetime, Exchange]] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()

    @property
    def enabled(self) -> bool:
        """Whether anything is captured."""
        return self.request.flag("EnableCapture", default=True)

    def describe(self) -> JsonObject:
        """Return it as DescribeEndpoint does."""
        description: MutableJson = {
            "EnableCapture": self.enabled,
            "CaptureStatus": "Started" if self.enabled else "Stopped",
            "CurrentSamplingPercentage": self.request.integer("InitialSamplingPercentage"),
            "DestinationS3Uri": self.request.text("DestinationS3Uri"),
            # The service tells it where there is none, too.
            "KmsKeyId": self.request.text("KmsKeyId"),
        }
        return description

    def start(self) -> None:
        """Write what is captured from now on, until `close`."""
        if self.enabled:
            threading.Thread(target=self._write_forever, name=f"capture-{self._endpoint}", daemon=True).start()

    def close(self) -> None:
        """Write what is left."""
        self._closed.set()
        self.flush()

    def record(self, exchange: Exchange) -> None:
        """Keep an exchange, if it is in the sample. Never blocks."""
        if self.enabled and random.random() < self._share:
            with self._lock:
                self._waiting.append((datetime.now(UTC), exchange))

    def flush(self) -> None:
        """Write what waits, one file for each variant and hour."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        files: dict[tuple[str, str], list[tuple[datetime, Exchange]]] = defaultdict(list)
        for at, exchange in waiting:
            files[exchange.variant, f"{at:%Y/%m/%d/%H}"].append((at, exchange))
        for (variant, hour), exchanges in files.items():
            first, exchange = exchanges[0]
            name = f"{first:%M-%S}-{first.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
            self._write(self._place / f"{self._endpoint}/{variant}/{hour}/{name}", exchange.role_arn, exchanges)

    def _write(self, place: Location, role_arn: str, exchanges: Sequence[tuple[datetime, Exchange]]) -> None:
        lines = b"".join(json.dumps(self._event(*item)).encode() + b"\n" for item in exchanges)
        try:
            credentials = roles.assume(self._scope, role_arn, session="SageMaker", source_arn=self._arn)
            store = self._backend.store(self._scope, credentials)
            store.upload(BytesIO(lines), place, kms_key=self.request.text("KmsKeyId"))
        except (StorageError, ServiceError) as error:
            logger.warning("data capture of %s: %s was not written: %s", self._endpoint, place.uri, error)

    def _event(self, at: datetime, exchange: Exchange) -> JsonObject:
        data: MutableJson = {}
        if self._input:
            data["endpointInput"] = self._side("INPUT", exchange.asked_type, exchange.asked)
        if self._output:
            data["endpointOutput"] = self._side("OUTPUT", exchange.answered_type, exchange.answered)
        metadata: MutableJson = {"eventId": str(uuid.uuid4()), "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
        if exchange.custom_attributes:
            metadata["customAttributes"] = [exchange.custom_attributes]
        if exchange.inference_id:
            metadata["inferenceId"] = exchange.inference_id
        return {"captureData": data, "eventMetadata": metadata, "eventVersion": EVENT_VERSION}

    def _side(self, mode: str, content_type: str, body: bytes) -> JsonObject:
        kind = content_type.partition(";")[0].strip()
        encoding = "CSV" if kind in self._csv else "JSON" if kind in self._json else "BASE64"
        if encoding != "BASE64":
            try:
                text = body.decode()
            except UnicodeDecodeError:
                encoding = "BASE64"
        if encoding == "BASE64":
            text = base64.b64encode(body).decode()
        return {"observedContentType": content_type, "mode": mode, "data": text, "encoding": encoding}

    def _write_forever(self) -> None:
        while not self._closed.is_set():
            time.sleep(FLUSH_S)
            self.flush()
