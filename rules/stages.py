"""Rules on what a template says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.model import STAGE_METADATA, Fault, Rule, Template, mapping, rule

if TYPE_CHECKING:
    from collections.abc import Iterator


@rule(
    "TM-STAGE-TOLD",
    "A template says which stage it is of, and whether that stage is hardened",
    "The rules that only hold of hardened stages would be left out without a word",
)
def stage_told(template: Template) -> Iterator[Fault]:
    """Look for the stage in the template's metadata."""
    metadata = mapping(mapping(template.body.get("Metadata")).get(STAGE_METADATA))
    if not isinstance(metadata.get("Name"), str) or not isinstance(metadata.get("Hardened"), bool):
        yield Fault(
            "", f"Metadata/{STAGE_METADATA}", "the template does not say its stage's name and whether it is hardened"
        )
    elif metadata["Name"] == "prod" and metadata["Hardened"] is not True:
        yield Fault("", f"Metadata/{STAGE_METADATA}/Hardened", "stage prod is not hardened")


@rule(
    "TM-DESCRIBED",
    "Every parameter and output has a description",
    "Who reads the template in the console sees names and no meaning",
)
def described(template: Template) -> Iterator[Fault]:
    """Look at parameters and outputs, but for those that CDK makes for itself."""
    for section in ("Parameters", "Outputs"):
        for name, body in mapping(template.body.get(section)).items():
            if name.startswith(("ExportsOutput", "BootstrapVersion")):
                continue
            if not mapping(body).get("Description"):
                yield Fault(name, "Description", f"{section.lower()[:-1]} {name} has no description")


RULES: Final[tuple[Rule, ...]] = (stage_told, described)
