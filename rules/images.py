"""How rules know SageMaker's own NTM image from somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rules.model import JsonValue, Template, items, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REPOSITORY_TAG: Final = "/ntm:1"


def fault_of(image: JsonValue, template: Template, accounts: Mapping[str, str]) -> str | None:
    """Return what is wrong with an image's URI, or None if it is the region's own NTM.

    Args:
        image: the URI as the template has it: parts joined, the account found in a mapping by region.
        template: where that mapping is.
        accounts: the registry account of every region.
    """
    parts = [str(part) for part in _parts(image)]
    found = [part for part in _parts(image) if "Fn::FindInMap" in mapping(part)]
    if len(found) != 1 or image is None:
        return "the image is not from the region's registry account of SageMaker"
    name, by, field = items(mapping(found[0])["Fn::FindInMap"])
    if by != {"Ref": "AWS::Region"} or field != "Account":
        return "the image's account is not found by the region"
    table = {
        region: mapping(entry).get("Account")
        for region, entry in mapping(mapping(template.body.get("Mappings")).get(str(name))).items()
    }
    for region, account in table.items():
        if accounts.get(region) != account:
            return f"in {region} the image is from account {account}, which is not SageMaker's"
    if not parts[-1].endswith(REPOSITORY_TAG):
        return f"the image is {parts[-1]}, not {REPOSITORY_TAG}"
    return None


def _parts(value: JsonValue) -> Iterator[JsonValue]:
    joined = mapping(value).get("Fn::Join")
    if isinstance(joined, list) and len(joined) == 2:  # noqa: PLR2004 (a separator and the parts)
        yield from items(joined[1])
    else:
        yield value
