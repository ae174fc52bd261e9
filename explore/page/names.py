"""Names that a reader gave to topics on the page, which exports them as names.json. They are of one model's version."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from explore.errors import ExploreError
from explore.files import written_whole
from training_scripts.ntm import artifact

LONGEST: Final = 80
"""Characters of a name."""
_ONE_LINE: Final = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"
_Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST, pattern=_ONE_LINE)
]  # fmt: skip


class Names(BaseModel):
    """What names.json holds: names by the number of the topic, and the model's version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Annotated[str, StringConstraints(min_length=1)]
    names: Annotated[dict[Annotated[int, Field(ge=0)], _Name], Field(min_length=1)]

    def refuse_another(self, model: str, where: str) -> None:
        """Hold that the names are of `model`, which `where` has.

        Raises:
            ExploreError: they are of another: its topics are others, and have no names yet.
        """
        if self.model != model:
            raise ExploreError(
                f"the names are of model {self.model}, and {where} has {model}, whose topics are others: "
                "name those on its own page"
            )

    def on(self, topics: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return descriptions of topics with the names for labels.

        Raises:
            ExploreError: a name is of a topic that is not there.
        """
        if beyond := [topic for topic in self.names if topic >= len(topics)]:
            raise ExploreError(f"the names have a topic {beyond[0]}, where the model has 0 to {len(topics) - 1}")
        return [{**topic, "label": self.names.get(number, topic.get("label"))} for number, topic in enumerate(topics)]

    def write_to(self, folder: Path) -> None:
        """Have the model in `folder` tell its topics by these names.

        Raises:
            ExploreError: it is another model, or cannot be read or written.
        """
        document = _description(folder)
        self.refuse_another(document["model_version"], str(folder))
        _write(folder, document, self.on(document["topics"]))


def read(file: Path) -> Names:
    """Read a names.json.

    Raises:
        ExploreError: there is none, or it is something else.
    """
    try:
        return Names.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ExploreError(f"{file} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its content"
        raise ExploreError(f"{file} is no names.json of the page: {where}: {first['msg']}") from None


def copy_labels(topics: Sequence[Mapping[str, Any]], folder: Path) -> None:
    """Have the model in `folder` tell its topics by the labels that other descriptions of the same topics have.

    Raises:
        ExploreError: it has other topics, or cannot be read or written.
    """
    document = _description(folder)
    if len(topics) != len(document["topics"]):
        raise ExploreError(f"{folder} has {len(document['topics'])} topics, where {len(topics)} are published")
    labels = [topic.get("label") for topic in topics]
    _write(folder, document, [{**one, "label": label} for one, label in zip(document["topics"], labels, strict=True)])


def _description(folder: Path) -> artifact.Document:
    try:
        return artifact.read(folder).document
    except artifact.ArtifactError as error:
        raise ExploreError(str(error)) from None


def _write(folder: Path, document: artifact.Document, topics: list[dict[str, Any]]) -> None:
    with written_whole(folder / artifact.MODEL_FILE) as partial:
        content = json.dumps({**document, "topics": topics}, indent=1, ensure_ascii=False)
        partial.write_text(f"{content}\n", encoding="utf-8")
