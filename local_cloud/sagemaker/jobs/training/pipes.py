"""Pipe mode: a channel as a named pipe per epoch, filled from S3 while the container reads."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from local_cloud.shared.storage import Location, ObjectStore, StorageError

READER_POLL_S = 0.02


class PipeFeeder:
    """Feeds `<channel>_<epoch>` with the concatenated objects, for as many epochs as the container opens."""

    def __init__(self, store: ObjectStore, objects: Sequence[Location], folder: Path, channel: str) -> None:
        self._store = store
        self._objects = objects
        self._folder = folder
        self._channel = channel
        self._stopped = threading.Event()
        self.failure: StorageError | None = None
        self._pipe(0)
        self._thread = threading.Thread(target=self._feed, name=f"pipe-{channel}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop feeding; the container is gone."""
        self._stopped.set()
        self._thread.join()

    def _pipe(self, epoch: int) -> Path:
        path = self._folder / f"{self._channel}_{epoch}"
        os.mkfifo(path)
        return path

    def _feed(self) -> None:
        epoch, path = 0, self._folder / f"{self._channel}_0"
        while (writer := self._open(path)) is not None:
            # The next pipe is there before this one ends, as a reader that opens it at once expects.
            epoch += 1
            following = self._pipe(epoch)
            self._write(writer)
            path.unlink(missing_ok=True)
            path = following

    def _open(self, path: Path) -> int | None:
        while not self._stopped.wait(READER_POLL_S):
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                continue  # nobody reads yet
            os.set_blocking(descriptor, True)
            return descriptor
        return None

    def _write(self, descriptor: int) -> None:
        try:
            with os.fdopen(descriptor, "wb") as pipe:
                for place in self._objects:
                    for chunk in self._store.chunks(place):
                        pipe.write(chunk)
        except BrokenPipeError:
            return  # a reader that had enough of this epoch
        except StorageError as error:
            # The reader sees an end where there is none; the job looks here before it believes what came of it.
            self.failure = error
