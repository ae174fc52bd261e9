"""What lies in a corpus's folder of a bucket, beside what its manifest names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deployment_functions.ports import S3

MANIFEST: Final = "corpus.json"
_EXAMPLES: Final = 3


def listed(s3: S3, bucket: str, prefix: str) -> dict[str, int]:
    """Return the size in bytes of each object under `prefix`, by its name behind it."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {
        str(item["Key"]).removeprefix(prefix): int(str(item["Size"]))
        for page in pages
        for item in page.get("Contents", [])
    }


def strangers(names: Iterable[str], known: Iterable[str], *, uri: str) -> str | None:
    """Return a sentence that names the objects that are not `known`, which a job would read; None without any."""
    others = sorted(set(names) - set(known))
    if not others:
        return None
    shown = ", ".join(ascii(name) for name in others[:_EXAMPLES]) + (", …" if len(others) > _EXAMPLES else "")
    count = "1 object" if len(others) == 1 else f"{len(others)} objects"
    return f"{uri} holds {count} that its manifest does not name, and jobs would read: delete {shown}"


def wrong_sizes(sizes: Mapping[str, int], there: Mapping[str, int], *, uri: str) -> str | None:
    """Return a sentence that names the first file that is missing or of another size; None where all are right."""
    for name, size in sorted(sizes.items()):
        if name not in there:
            return f"{uri}{name} is missing, which its manifest names"
        if there[name] != size:
            return f"{uri}{name} has {there[name]} bytes, where its manifest says {size}"
    return None
