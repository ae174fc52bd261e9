"""One run of the stage's transform pipeline: its input in S3, its execution, its output.

A run that was interrupted is found again by a note beside the file to write: it is waited for if it goes on, collected
if it has ended well, and started over if it failed, or if the documents or the approved model are others by now.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import shutil
import sys
import tarfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from botocore.exceptions import ClientError

from explore.documents import CountedDocuments
from explore.files import written_whole
from explore.page.names import copy_labels
from explore.vectors import Matrix
from operations.errors import OperationError
from operations.name_topics import Published
from operations.stage import DeployedStage, reason_of
from operations.transform.formats import DEFAULT, FORMATS, JSON_LINES, Format
from stacks.serving.transform.transform_records import RecordError
from stacks.shared.bucket_layout import TRANSFORM_PREFIX
from stacks.shared.names import job_name_prefix
from training_scripts.archives import unpack
from training_scripts.corpus.progress import Progress
from training_scripts.ntm.artifact import MODEL_FILE

from deployment_functions.model_fields import APPROVED

POLL_S: Final = 2.0
FILE_BYTES: Final = 64_000_000
"""Files are not made larger: one is held in memory, and an instance takes one at a time."""
_DIGEST_CHARS: Final = 12
_LEAST_DIGITS: Final = 5
MANIFEST: Final = "manifest.json"
"""Beside the input: which documents each of its files holds, in their order."""


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
    form: str = JSON_LINES.name


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


def find_stage(deployed: DeployedStage) -> Stage:
    """Return what a deployed stage says of itself.

    Raises:
        OperationError: it is not deployed, or without a transform pipeline.
    """
    name, outputs = deployed.name, deployed.outputs("Data", "Serving")
    try:
        machine, bucket = outputs["TransformStateMachineArn"], outputs["ArtifactsBucket"]
    except KeyError as missing:
        raise OperationError(f"stage {name!r} has no output {missing}: deploy it anew") from None
    task = deployed.states(machine)["Transform"]
    instances = int(task["Parameters"]["TransformResources"]["InstanceCount"])
    told = task["ResultSelector"]
    return Stage(name, machine, bucket, instances, model=told["model"], corpus=told["corpus"])


def vocabulary_of(deployed: DeployedStage, stage: Stage) -> str:
    """Return the hash of the words that a stage's transforms count; empty while another model is being approved."""
    approved = deployed.ledger.read(APPROVED)
    return approved["vocabulary_hash"] if approved and approved["job_name"] == stage.model else ""


def run(
    deployed: DeployedStage,
    stage: Stage,
    documents: CountedDocuments,
    note_file: Path,
    progress: Progress,
    *,
    form: Format | None = None,
) -> Outcome:
    """Bring the documents' topic weights, by a new run or by one that was interrupted.

    Args:
        deployed: the stage.
        stage: what it says of its transforms.
        documents: counted by the vocabulary of its approved model.
        note_file: what an interruption leaves.
        progress: told of upload, job and collection.
        form: how the documents travel; None for that of an interrupted run, or else the default.

    Raises:
        OperationError: the job failed, answered something else, or is of another corpus.
    """
    # Another corpus of the same vocabulary has the same columns: prepared with --vocabulary, for example.
    if stage.corpus != documents.corpus and vocabulary_of(deployed, stage) != documents.vocabulary:
        raise OperationError(
            f"the approved model {stage.model} is of corpus {stage.corpus[:12]}, and the documents were counted by the "
            f"vocabulary of corpus {documents.corpus[:12]}: name the model's own corpus with --corpus, or prepare them "
            "with --vocabulary of it"
        )
    note = _read(note_file)
    if (
        note is None
        or (form is not None and form.name != note.form)
        or note.asked != _digest(documents, stage.model, note.form)
        or _status(deployed, note) not in {"RUNNING", "SUCCEEDED"}
    ):
        form = form or DEFAULT
        note = _Sender(deployed, stage, form, progress).start(documents, _digest(documents, stage.model, form.name))
        # After the start: a note always speaks of an execution that there is.
        with written_whole(note_file) as partial:
            partial.write_text(json.dumps(asdict(note), indent=1) + "\n", encoding="utf-8")
    told = _wait(deployed, note, progress)
    weights = _collect(deployed, stage, note, documents, progress)
    return Outcome(weights, told["model"], told["artifact"], (told["ended"] - told["started"]) / 1000)


def fetch_model(deployed: DeployedStage, artifact: str, folder: Path) -> None:
    """Unpack a model.tar.gz from S3 into `folder`, which is replaced.

    Raises:
        OperationError: it cannot be read or written.
    """
    content = deployed.content(artifact)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        unpack(content, partial)
        _name_as_published(deployed, artifact, partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except (OSError, tarfile.TarError) as error:
        raise OperationError(f"{artifact} cannot be unpacked into {folder}: {error}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _name_as_published(deployed: DeployedStage, artifact: str, folder: Path) -> None:
    """Have an unpacked model tell its topics by the names that the stage gives them; the built-in's describes none."""
    if not (folder / MODEL_FILE).is_file():
        return
    try:
        published = Published.read(deployed, artifact)
    except ClientError as error:
        print(f"transform: the names of the topics cannot be read, so the model's own stay: {error}", file=sys.stderr)
        return
    if published is not None:
        copy_labels(published.content["topics"], folder)


def input_files(documents: CountedDocuments, instances: int, form: Format = DEFAULT) -> int:
    """Return in how many files the documents travel: as many for each instance, and none larger than FILE_BYTES."""
    known = documents.known
    a_share = max(1, math.ceil(form.size(known) / FILE_BYTES / instances))
    return min(a_share * instances, max(1, int(known.shape[0])))


def files_of(documents: CountedDocuments, files: int) -> list[list[str]]:
    """Return the ids of the documents in each input file, in their order."""
    names = [documents.ids[row] for row in np.flatnonzero(documents.is_known)]
    bounds = np.linspace(0, len(names), files + 1).astype(int)
    return [names[first:last] for first, last in itertools.pairwise(bounds.tolist())]


class _Sender:
    """Uploads documents and starts the state machine on them."""

    def __init__(self, deployed: DeployedStage, stage: Stage, form: Format, progress: Progress) -> None:
        self._deployed, self._stage, self._form, self._progress = deployed, stage, form, progress

    def start(self, documents: CountedDocuments, digest: str) -> Note:
        stage, form = self._stage, self._form
        name = f"{job_name_prefix(stage.name)}{digest[:_DIGEST_CHARS]}-{int(time.time()):x}"
        folder = f"{TRANSFORM_PREFIX}{name}"
        if not documents.is_known.any():
            raise OperationError("none of the documents has a word of the vocabulary")
        files = input_files(documents, stage.instances, form)
        self._upload(documents, folder, files)
        sent = {
            "job_name": name,
            "input_uri": f"s3://{stage.bucket}/{folder}/input/",
            "output_uri": f"s3://{stage.bucket}/{folder}/output",
            # Asked for by order, the state machine joins nothing.
            **({} if form.keyed else {"content_type": form.content_type, "split_type": form.split_type}),
        }
        execution = self._deployed.client("stepfunctions").start_execution(
            stateMachineArn=stage.state_machine, name=name, input=json.dumps(sent)
        )
        return Note(digest, execution["executionArn"], folder, files, form.name)

    def _upload(self, documents: CountedDocuments, folder: str, files: int) -> None:
        known, shares, first = documents.known, files_of(documents, files), 0
        for number, names in enumerate(shares):
            body = self._form.body(names, known[first : first + len(names)])
            self._put(f"{folder}/input/{_file(number, self._form)}", body)
            first += len(names)
            self._progress.tell(f"{first:,} of {known.shape[0]:,} documents uploaded")
        if not self._form.keyed:
            ids = {_file(number, self._form): names for number, names in enumerate(shares)}
            manifest = {"corpus": documents.corpus, "files": ids}
            self._put(f"{folder}/{MANIFEST}", json.dumps(manifest, ensure_ascii=False).encode())

    def _put(self, key: str, body: bytes) -> None:
        self._deployed.client("s3").put_object(Bucket=self._stage.bucket, Key=key, Body=body)


def _wait(deployed: DeployedStage, note: Note, progress: Progress) -> dict[str, Any]:
    started = time.monotonic()
    while True:
        state = deployed.client("stepfunctions").describe_execution(executionArn=note.execution)
        if state["status"] == "SUCCEEDED":
            told: dict[str, Any] = json.loads(state["output"])
            return told
        if state["status"] != "RUNNING":
            raise OperationError(
                f"the transform {note.execution.rpartition(':')[2]} is {state['status'].lower()}: "
                f"{reason_of(state.get('cause') or state.get('error') or 'no cause was given')}"
            )
        progress.tell(f"transforming, {time.monotonic() - started:.0f} s")
        time.sleep(POLL_S)


def _collect(
    deployed: DeployedStage, stage: Stage, note: Note, documents: CountedDocuments, progress: Progress
) -> Matrix:
    known = np.flatnonzero(documents.is_known)
    place = {documents.ids[row]: number for number, row in enumerate(known)}
    weights: Matrix | None = None
    seen = np.zeros(len(place), dtype=bool)
    form = FORMATS[note.form]
    for number, names in enumerate(files_of(documents, note.files)):
        key = f"{note.folder}/output/{_file(number, form)}.out"
        try:
            body = deployed.client("s3").get_object(Bucket=stage.bucket, Key=key)["Body"].read()
            for name, row in form.answers(body, names, where=f"s3://{stage.bucket}/{key}"):
                if weights is None:
                    weights = np.zeros((len(place), len(row)), dtype=np.float32)
                weights[place[name]] = row
                seen[place[name]] = True
        except deployed.client("s3").exceptions.NoSuchKey:
            raise OperationError(f"the transform left no s3://{stage.bucket}/{key}") from None
        except (RecordError, ValueError) as error:
            raise OperationError(str(error)) from None
        except KeyError as name:
            raise OperationError(f"s3://{stage.bucket}/{key} answers for {name}, which was not asked for") from None
        progress.tell(f"{int(seen.sum()):,} of {len(place):,} vectors collected")
    if weights is None or not seen.all():
        raise OperationError(f"the transform answered {int(seen.sum()):,} of {len(place):,} documents")
    return weights


def _status(deployed: DeployedStage, note: Note) -> str:
    try:
        return str(deployed.client("stepfunctions").describe_execution(executionArn=note.execution)["status"])
    except deployed.client("stepfunctions").exceptions.ExecutionDoesNotExist:
        return "GONE"


def _digest(documents: CountedDocuments, model: str, form: str) -> str:
    digest = hashlib.sha256(f"{model}\n{documents.corpus}\n{form}\n".encode())
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


def _file(number: int, form: Format) -> str:
    return f"part-{number:0{_LEAST_DIGITS}d}.{form.extension}"
