"""How rules know AWS's own images from somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.aws_images import ALL
from rules.model import JsonValue, Template, items, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator


def fault_of(image: JsonValue, template: Template) -> str | None:
    """Return what is wrong with an image's URI, or None if it is AWS's own in the region.

    Args:
        image: the URI as the template has it: parts joined, the account found in a mapping by region.
        template: where that mapping is.
    """
    parts = [str(part) for part in _parts(image)]
    lookups = [part for part in _parts(image) if "Fn::FindInMap" in mapping(part)]
    if len(lookups) != 1 or image is None:
        return "the image is not from the region's registry account of SageMaker"
    name, by, field = items(mapping(lookups[0])["Fn::FindInMap"])
    if by != {"Ref": "AWS::Region"} or field != "Account":
        return "the image's account is not found by the region"
    table = {
        region: mapping(entry).get("Account")
        for region, entry in mapping(mapping(template.body.get("Mappings")).get(str(name))).items()
    }
    known = {f"/{image.repository}:{image.tag}": image.accounts for image in ALL}
    accounts = next((accounts for name, accounts in known.items() if parts[-1].endswith(name)), None)
    if accounts is None:
        return f"the image is {parts[-1]}, none of {', '.join(known)}"
    for region, account in table.items():
        if accounts.get(region) != account:
            return f"in {region} the image is from account {account}, which is not SageMaker's"
    return None


def _parts(value: JsonValue) -> Iterator[JsonValue]:
    joined = mapping(value).get("Fn::Join")
    if isinstance(joined, list) and len(joined) == 2:  # noqa: PLR2004 (a separator and the parts)
        yield from items(joined[1])
    else:
        yield value
