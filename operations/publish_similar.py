"""Give a stage the index of its model, in its bucket or in S3 Vectors: see `--help`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from explore.similar import index_of
from explore.vectors import DEFAULT_FILE, TopicVectors, load_topic_vectors
from operations.command import add_stage, command
from operations.errors import OperationError
from operations.stage import DeployedStage
from training_scripts.command_line import Parser
from training_scripts.corpus.progress import Progress

from similar_function.places import LABEL, PUT_AT_ONCE, Published, index_key, is_model, published_key

PROGRAM: Final = "python -m operations.publish_similar"
OUTPUTS: Final = ("SimilarIndexBucket", "SimilarMaxIndexBytes")
VECTOR_BUCKET: Final = "SimilarVectorBucket"
"""The serving stack's output where the stage searches by S3 Vectors."""
_LONGEST_KEY: Final = 1024
_LISTED_AT_ONCE: Final = 1000


@dataclass(frozen=True)
class Store:
    """Where a stage's function looks for its index."""

    stage: str
    bucket: str
    max_index_bytes: int
    vector_bucket: str | None
    in_service: str
    """The version of the model in service."""


@command("publish_similar")
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    publish(options.stage, load_topic_vectors(options.vectors), ahead=options.ahead)
    return 0


def publish(stage: str, vectors: TopicVectors, *, ahead: bool) -> None:
    """Publish the index of `vectors` and say so.

    Args:
        stage: its name.
        vectors: of the model that the stage serves.
        ahead: publish them although another model is in service.

    Raises:
        OperationError: they are of another model, or the stage does not take them.
    """
    deployed = DeployedStage(stage)
    store = find_store(deployed)
    _refuse_another_model(store, vectors, ahead=ahead)
    if store.vector_bucket is None:
        where = _into_bucket(deployed.client("s3"), store, vectors)
    else:
        where = _into_s3_vectors(deployed, store, store.vector_bucket, vectors)
    print(f"{where}: {len(vectors.ids):,} documents of {vectors.num_topics} topics")
    print(f"  model   {vectors.model}\n  corpus  {vectors.corpus}")
    if vectors.model != store.in_service:
        print(f"  model {store.in_service} is in service: these are found once theirs is", file=sys.stderr)


def find_store(deployed: DeployedStage) -> Store:
    """Return where a deployed stage looks for its index.

    Raises:
        OperationError: there is no such stage, or its setting `similar` is off.
    """
    stage, outputs = deployed.name, deployed.outputs("Serving")
    if any(output not in outputs for output in OUTPUTS):
        raise OperationError(f"stage {stage!r} has no function for similar documents: give it the setting similar")
    served = deployed.in_service()
    if served is None:
        raise OperationError(f"stage {stage!r} does not say what is in service: python -m operations.doctor says why")
    bucket, most = (outputs[output] for output in OUTPUTS)
    return Store(stage, bucket, int(most), outputs.get(VECTOR_BUCKET), served["model"])


def _refuse_another_model(store: Store, vectors: TopicVectors, *, ahead: bool) -> None:
    if not is_model(vectors.model):
        raise OperationError(f"the vectors are of model {vectors.model[:80]!r}, which is no name of a training job")
    if vectors.model == store.in_service or (ahead and store.vector_bucket is None):
        return
    mismatch = (
        f"the vectors are of model {vectors.model}, while {store.in_service} is in service in stage {store.stage!r}"
    )
    if ahead:
        raise OperationError(
            f"{mismatch}, and S3 Vectors has an index for the model in service only: leave out --ahead"
        )
    raise OperationError(f"{mismatch}: make those of {store.in_service} with python -m operations.transform")


def _into_bucket(s3: Any, store: Store, vectors: TopicVectors) -> str:  # noqa: ANN401 - boto3 has no types
    content = index_of(vectors).to_bytes()
    if len(content) > store.max_index_bytes:
        raise OperationError(
            f"the index takes {len(content):,} bytes, and the function of stage {store.stage!r} holds "
            f"{store.max_index_bytes:,}: raise similar.memory_mb, or set similar.store to s3-vectors"
        )
    key = index_key(vectors.model)
    s3.put_object(Bucket=store.bucket, Key=key, Body=content, ContentType="application/zip")
    return f"s3://{store.bucket}/{key}"


def _into_s3_vectors(deployed: DeployedStage, store: Store, bucket: str, vectors: TopicVectors) -> str:
    if too_long := [name for name in vectors.ids if not 1 <= len(name.encode()) <= _LONGEST_KEY]:
        raise OperationError(f"the id {too_long[0][:80]!r} is not of 1 to {_LONGEST_KEY} bytes, which S3 Vectors takes")
    s3, client, progress = deployed.client("s3"), deployed.client("s3vectors"), Progress("similar")
    index = {"vectorBucketName": bucket, "indexName": vectors.model}
    try:
        dimension = client.get_index(**index)["index"]["dimension"]
    except client.exceptions.NotFoundException:
        raise OperationError(f"vector bucket {bucket} has no index {vectors.model}: deploy the serving stack") from None
    if dimension != vectors.num_topics:
        raise OperationError(f"index {vectors.model} is of {dimension} topics, the vectors of {vectors.num_topics}")
    key = published_key(vectors.model)
    # Gone until all are there: what is there of the index may be half of it.
    s3.delete_object(Bucket=store.bucket, Key=key)
    roots = np.sqrt(vectors.weights)
    for begin in range(0, len(vectors.ids), PUT_AT_ONCE):
        rows = range(begin, min(begin + PUT_AT_ONCE, len(vectors.ids)))
        client.put_vectors(
            **index,
            vectors=[
                {
                    "key": vectors.ids[row],
                    "data": {"float32": roots[row].tolist()},
                    "metadata": {LABEL: vectors.labels[row]},
                }
                for row in rows
            ],
        )
        progress.tell(f"{rows[-1] + 1:,} of {len(vectors.ids):,} vectors put")
    _delete_others(client, index, set(vectors.ids))
    published = Published(vectors.model, vectors.corpus, len(vectors.ids), vectors.num_topics)
    s3.put_object(Bucket=store.bucket, Key=key, Body=published.to_json(), ContentType="application/json")
    return f"{bucket}/{vectors.model}"


def _delete_others(client: Any, index: dict[str, str], kept: set[str]) -> None:  # noqa: ANN401 - boto3 has no types
    """Delete what an earlier publication had and this one has not."""
    others: list[str] = []
    pages = client.get_paginator("list_vectors").paginate(**index, maxResults=_LISTED_AT_ONCE)
    for page in pages:
        others += [vector["key"] for vector in page["vectors"] if vector["key"] not in kept]
    for begin in range(0, len(others), PUT_AT_ONCE):
        client.delete_vectors(**index, keys=others[begin : begin + PUT_AT_ONCE])


def _parser() -> Parser:
    parser = Parser(prog=PROGRAM, description=__doc__, allow_abbrev=False)
    add_stage(parser)
    parser.add_argument(
        "--ahead", action="store_true", help="of a model that is not in service yet: found once it is (store: function)"
    )
    parser.add_argument("--vectors", type=Path, default=DEFAULT_FILE, metavar="FILE", help=f"({DEFAULT_FILE})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
