"""The table of `docs/conformance.md`: what of each emulated operation's request is honoured, ignored and refused.

`python -m local_cloud.conformance` prints it, from botocore's service models and the declarations that the services
themselves refuse by (`members.py`). A test holds the file against it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import botocore.session

from local_cloud import notebooks
from local_cloud.autoscaling import members as autoscaling_members
from local_cloud.autoscaling import service as autoscaling
from local_cloud.s3vectors import members as vectors_members
from local_cloud.s3vectors import service as vectors
from local_cloud.sagemaker import members as sagemaker_members
from local_cloud.sagemaker import service as sagemaker
from local_cloud.sagemaker.shared.backend import Backend
from local_cloud.shared.members import Members
from local_cloud.shared.service_model import ServiceModel, Shape
from local_cloud.shared.settings import DEFAULT_HOME, LocalCloudSettings

RUNTIME = "sagemaker-runtime"
RUNTIME_OPERATIONS = ("InvokeEndpoint",)
_ABOUT = """\
# What is emulated of each operation

Made by `python -m local_cloud.conformance > docs/conformance.md`, from botocore's service models and from the
declarations by which the [local cloud](local-cloud.md) itself refuses (`members.py` in `local_cloud/sagemaker`,
`local_cloud/autoscaling` and `local_cloud/s3vectors`). `tests/local_cloud/test_conformance.py` holds this page against
them, sends every refused parameter, and calls every operation with boto3. The page ends with
[public notebooks](#public-notebooks).

- **Honoured** parameters do what they do on AWS, as far as [its page](local-cloud.md) tells. Where a structure is
  honoured as a whole, it stands for its members.
- Parameters **without effect** are accepted, described again where AWS describes them, and otherwise ignored.
- **Refused** parameters, and values other than those named, are answered with a ValidationException that names them.
  Every operation of the services that is not here is refused with its name (NotImplementedException).
"""


class Row(NamedTuple):
    """One operation."""

    operation: str
    honoured: Sequence[str]
    without_effect: Sequence[str]
    refused: Sequence[str]


@functools.cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of a service."""
    model: ServiceModel = botocore.session.get_session().get_service_model(service)
    return model


@functools.cache
def operations() -> Mapping[str, tuple[Sequence[str], Mapping[str, Members]]]:
    """Return, by service, the operations that are emulated and what is declared of them."""
    # The services themselves, which nothing is asked of: they know what they emulate.
    backend = Backend.create(LocalCloudSettings(), "http://127.0.0.1", DEFAULT_HOME)
    service = sagemaker.SageMaker(backend)
    scaling = autoscaling.ApplicationAutoScaling(service.endpoints)
    backend.supervisor.close()
    return {
        sagemaker.NAME: (service.api.operations, sagemaker_members.MEMBERS),
        RUNTIME: (RUNTIME_OPERATIONS, sagemaker_members.MEMBERS),
        autoscaling.NAME: (scaling.api.operations, autoscaling_members.MEMBERS),
        vectors.NAME: (vectors.S3Vectors().api.operations, vectors_members.MEMBERS),
    }


def rows(service: str) -> list[Row]:
    """Return a row an operation of the service."""
    names, declared = operations()[service]
    model = service_model(service)
    return [
        _row(name, model.operation_model(name).input_shape, declared.get(name, Members())) for name in sorted(names)
    ]


def honoured(shape: Shape, members: Members, path: str = "") -> Iterator[str]:
    """Yield the paths that are honoured; a structure with nothing else in it as one."""
    for name, member in sorted(shape.members.items()):
        inner = f"{path}.{name}" if path else name
        if inner in members.refused or inner in members.without_effect:
            continue
        below = item(member)
        has_others = any(other.startswith(f"{inner}.") for other in (*members.refused, *members.without_effect))
        if below.type_name == "structure" and has_others:
            yield from honoured(below, members, inner)
        else:
            yield inner


def item(shape: Shape) -> Shape:
    """Return what the items of a list are, of a list of lists theirs; any other shape itself."""
    while shape.type_name == "list":
        shape = shape.member
    return shape


def page() -> str:
    """Return the whole page."""
    parts = [_ABOUT]
    for service in operations():
        service_rows = rows(service)
        parts.append(f"## {service}\n\n{len(service_rows)} operations.\n")
        parts += [f"### {row.operation}\n\n| | |\n|---|---|\n" + "".join(_lines(row)) for row in service_rows]
    parts.append(notebooks.section())
    return "\n".join(parts)


def _row(name: str, shape: Shape, members: Members) -> Row:
    only = [f"{path} other than {', '.join(values)}" for path, values in sorted(members.only.items())]
    return Row(name, list(honoured(shape, members)), sorted(members.without_effect), [*sorted(members.refused), *only])


def _lines(row: Row) -> Iterator[str]:
    paths_by_title = {"honoured": row.honoured, "without effect": row.without_effect, "refused": row.refused}
    for title, paths in paths_by_title.items():
        if paths:
            yield f"| {title} | {', '.join(paths)} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
