"""What a local cloud keeps between its lives: one JSON file beside what MiniStack keeps itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from local_cloud import file_lock
from local_cloud.shared.emulator import Scope
from local_cloud.shared.errors import LocalCloudError
from local_cloud.shared.wire import JsonObject, JsonValue, Node
from training_scripts.command_line import sentence_of

VERSION = 1
STOPPED_REASON = "InternalServerError: The local cloud was stopped while the job was in progress."
"""FailureReason of a job that was under way when the cloud was stopped."""


@dataclass(frozen=True)
class StateFolder:
    """The folder given with `--state`."""

    root: Path

    @property
    def file(self) -> Path:
        """Our own services' state."""
        return self.root / "local_cloud.json"

    @property
    def lock_file(self) -> Path:
        """Locked by the cloud that uses the folder."""
        return self.root / "lock"

    def emulator_environment(self) -> dict[str, str]:
        """Return what lets MiniStack keep its state here: services at the end, S3's objects as they are stored."""
        return {
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.root / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.root / "s3"),
        }

    def lock(self) -> None:
        """Keep others out until this process ends.

        Raises:
            LocalCloudError: it is no folder, or another local cloud uses it.
        """
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            file_lock.take(self.lock_file)
        except BlockingIOError:
            raise LocalCloudError(f"the state in {self.root} is in use by another local cloud") from None
        except OSError as error:
            raise LocalCloudError(f"{self.root} cannot hold the state: {error.strerror}") from None

    def read(self) -> Node | None:
        """Return what was kept; None in a new folder.

        Raises:
            LocalCloudError: it was written by another version, or is damaged.
        """
        try:
            kept = json.loads(self.file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise LocalCloudError(f"{self.file} cannot be read: {error}") from None
        version = kept.get("version") if isinstance(kept, dict) else None
        if version != VERSION:
            raise LocalCloudError(f"{self.file} is of version {version!r}; this local cloud reads version {VERSION}")
        return Node(kept)

    def write(self, services: JsonObject) -> None:
        """Replace what was kept, in one step.

        Raises:
            LocalCloudError: it cannot be written; what was kept before is still there.
        """
        new = self.file.with_suffix(".new")
        try:
            new.write_text(json.dumps({"version": VERSION, **services}))
            new.replace(self.file)
        except OSError as error:
            raise LocalCloudError(f"the state was not kept: {sentence_of(error)}") from None


def scope_record(scope: Scope) -> JsonValue:
    """Return a scope as it is kept."""
    return {"account": scope.account, "region": scope.region}


def scope_of(record: Node) -> Scope:
    """Return the scope of a record."""
    kept = record.node("scope")
    return Scope(kept.text("account"), kept.text("region"))
