"""One run of the stage's transform pipeline: its input in S3, its execution, its output.

A run that was interrupted is found again by a note beside the file to write: it is waited for if it goes on, collected
if it has ended well, and started over if it failed, or if the documents or the approved model are others by now.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import shutil
import tarfile
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from explore.errors import ExploreError
from explore.files import written_whole
from explore.stage import outputs_of, reason_of
from stacks.names import job_name_prefix
from stacks.transform_job import TRANSFORM_PREFIX
from training_scripts.transform_records import RecordError, decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scipy.sparse import csr_matrix

    from explore.documents import CountedDocuments
    from explore.vectors import Matrix
    from training_scripts.corpus.progress import Progress

POLL_S: Final = 2.0
FILE_BYTES: Final = 64_000_000
"""Files are not made larger: one is held in memory, and an instance takes one at a time."""
_BYTES_PER_WORD: Final = 12
_DIGEST_CHARS: Final = 12
_LEAST_DIGITS: Final = 5


@dataclass(frozen=True)
class Stage:
    """What of a deployed stage a run needs to know.

    Attributes:
        state_machine: the transform pipeline's ARN.
        bucket: where input and output lie.
        instances: how many work; each is dealt whole files.
        model: the version of the approved model.
        corpus: that of the corpus it was trained on.
    """

    name: str
    state_machine: str
    bucket: str
    instances: int
    model: str
    corpus: str


@dataclass(frozen=True)
class Note:
    """What is remembered of a run: the digest of what it is asked for, its execution, its folder in the bucket."""

    asked: str
    execution: str
    folder: str
    files: int


@dataclass(frozen=True)
class Outcome:
    """What came back.

    Attributes:
        weights: topic weights of the documents that have a known word, in their order.
        model: the version of the model.
        artifact: where its model.tar.gz is.
        seconds: the job took, without the start of its instances.
    """

    weights: Matrix
    model: str
    artifact: str
    seconds: float


class Clients:
    """The AWS clients of a run, made by boto3 where none are given."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401 -- a boto3 Session
        self.s3 = session.client("s3")
        self.states = session.client("stepfunctions")
        self.stacks = session.client("cloudformation")


def find_stage(clients: Clients, name: str) -> Stage:
    """Return what a deployed stage says of itself.

    Raises:
        ExploreError: it is not deployed, or without a transform pipeline.
    """
    outputs = outputs_of(clients.stacks, name, "Data", "Serving")
    try:
        machine, bucket = outputs["TransformStateMachineArn"], outputs["ArtifactsBucket"]
    except KeyError as missing:
        raise ExploreError(f"stage {name!r} has no output {missing}: deploy it anew") from None
    definition = json.loads(clients.states.describe_state_machine(stateMachineArn=machine)["definition"])
    task = definition["States"]["Transform"]
    instances = int(task["Parameters"]["TransformResources"]["InstanceCount"])
    told = task["ResultSelector"]
    return Stage(name, machine, bucket, instances, model=told["model"], corpus=told["corpus"])


def run(clients: Clients, stage: Stage, documents: CountedDocuments, note_file: Path, progress: Progress) -> Outcome:
    """Bring the documents' topic weights, by a new run or by one that was interrupted.

    Raises:
        ExploreError: the job failed, answered something else, or is of another corpus.
    """
    if stage.corpus != documents.corpus:
        raise ExploreError(
            f"the approved model {stage.model} is of corpus {stage.corpus[:12]}, and the documents were counted by the "
            f"vocabulary of corpus {documents.corpus[:12]}: name the model's own corpus with --corpus"
        )
    digest = _digest(documents, stage.model)
    note = _read(note_file)
    if note is None or note.asked != digest or _status(clients, note) not in {"RUNNING", "SUCCEEDED"}:
        note = _start(clients, stage, documents, digest, progress)
        # After the start: a note always speaks of an execution that there is.
        with written_whole(note_file) as partial:
            partial.write_text(json.dumps(asdict(note), indent=1) + "\n", encoding="utf-8")
    told = _wait(clients, note, progress)
    weights = _collect(clients, stage, note, documents, progress)
    return Outcome(weights, told["model"], told["artifact"], (told["ended"] - told["started"]) / 1000)


def fetch_model(clients: Clients, artifact: str, folder: Path) -> None:
    """Unpack a model.tar.gz from S3 into `folder`, which is replaced.

    Raises:
        ExploreError: it cannot be read or written.
    """
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    content = io.BytesIO(clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        with tarfile.open(fileobj=content) as archive:
            archive.extractall(partial, filter="data")
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except (OSError, tarfile.TarError) as error:
        raise ExploreError(f"{artifact} cannot be unpacked into {folder}: {error}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def input_files(documents: CountedDocuments, instances: int) -> int:
    """Return in how many files the documents travel: as many for each instance, and none larger than FILE_BYTES."""
    known = documents.known
    size = int(known.nnz) * _BYTES_PER_WORD
    a_share = max(1, math.ceil(size / FILE_BYTES / instances))
    return min(a_share * instances, max(1, int(known.shape[0])))


def lines(names: list[str], counts: csr_matrix) -> Iterator[bytes]:
    """Yield the documents as lines of a transform's input."""
    for row, name in enumerate(names):
        begin, end = counts.indptr[row], counts.indptr[row + 1]
        values = counts.data[begin:end]
        whole = values.astype(np.int64)
        # Counts are whole numbers nearly always, and those are written shorter.
        told = whole.tolist() if np.array_equal(whole, values) else values.tolist()
        yield encode(name, counts.indices[begin:end].tolist(), told, feature_dim=counts.shape[1])


def _start(clients: Clients, stage: Stage, documents: CountedDocuments, digest: str, progress: Progress) -> Note:
    name = f"{job_name_prefix(stage.name)}{digest[:_DIGEST_CHARS]}-{int(time.time()):x}"
    folder = f"{TRANSFORM_PREFIX}{name}"
    known = documents.known
    names = [documents.ids[row] for row in np.flatnonzero(documents.is_known)]
    if not names:
        raise ExploreError("none of the documents has a word of the vocabulary")
    files = input_files(documents, stage.instances)
    bounds = np.linspace(0, len(names), files + 1).astype(int)
    for number in range(files):
        first, last = int(bounds[number]), int(bounds[number + 1])
        body = b"".join(lines(names[first:last], known[first:last]))
        clients.s3.put_object(Bucket=stage.bucket, Key=f"{folder}/input/{_file(number)}", Body=body)
        progress.tell(f"{last:,} of {len(names):,} documents uploaded")
    sent = {
        "job_name": name,
        "input_uri": f"s3://{stage.bucket}/{folder}/input/",
        "output_uri": f"s3://{stage.bucket}/{folder}/output",
    }
    execution = clients.states.start_execution(stateMachineArn=stage.state_machine, name=name, input=json.dumps(sent))
    return Note(digest, execution["executionArn"], folder, files)


def _wait(clients: Clients, note: Note, progress: Progress) -> dict[str, Any]:
    started = time.monotonic()
    while True:
        state = clients.states.describe_execution(executionArn=note.execution)
        if state["status"] == "SUCCEEDED":
            told: dict[str, Any] = json.loads(state["output"])
            return told
        if state["status"] != "RUNNING":
            raise ExploreError(
                f"the transform {note.execution.rpartition(':')[2]} is {state['status'].lower()}: "
                f"{reason_of(state.get('cause') or state.get('error') or 'no cause was given')}"
            )
        progress.tell(f"transforming, {time.monotonic() - started:.0f} s")
        time.sleep(POLL_S)


def _collect(clients: Clients, stage: Stage, note: Note, documents: CountedDocuments, progress: Progress) -> Matrix:
    known = np.flatnonzero(documents.is_known)
    place = {documents.ids[row]: number for number, row in enumerate(known)}
    weights: Matrix | None = None
    seen = np.zeros(len(place), dtype=bool)
    for number in range(note.files):
        key = f"{note.folder}/output/{_file(number)}.out"
        try:
            body = clients.s3.get_object(Bucket=stage.bucket, Key=key)["Body"].read()
            for name, row in decode(body, where=f"s3://{stage.bucket}/{key}"):
                if weights is None:
                    weights = np.zeros((len(place), len(row)), dtype=np.float32)
                weights[place[name]] = row
                seen[place[name]] = True
        except clients.s3.exceptions.NoSuchKey:
            raise ExploreError(f"the transform left no s3://{stage.bucket}/{key}") from None
        except (RecordError, ValueError) as error:
            raise ExploreError(str(error)) from None
        except KeyError as name:
            raise ExploreError(f"s3://{stage.bucket}/{key} answers for {name}, which was not asked for") from None
        progress.tell(f"{int(seen.sum()):,} of {len(place):,} vectors collected")
    if weights is None or not seen.all():
        raise ExploreError(f"the transform answered {int(seen.sum()):,} of {len(place):,} documents")
    return weights


def _status(clients: Clients, note: Note) -> str:
    try:
        return str(clients.states.describe_execution(executionArn=note.execution)["status"])
    except clients.states.exceptions.ExecutionDoesNotExist:
        return "GONE"


def _digest(documents: CountedDocuments, model: str) -> str:
    digest = hashlib.sha256(f"{model}\n{documents.corpus}\n".encode())
    digest.update("\n".join(documents.ids).encode())
    for part in (documents.counts.indptr, documents.counts.indices, documents.counts.data):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def _read(note_file: Path) -> Note | None:
    try:
        return Note(**json.loads(note_file.read_text(encoding="utf-8")))
    except (OSError, TypeError, ValueError):
        # No note, or none that this program wrote: starting over is always right.
        return None


def _file(number: int) -> str:
    return f"part-{number:0{_LEAST_DIGITS}d}.jsonl"
