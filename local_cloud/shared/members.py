"""What of an operation's request has no effect here, and what is refused: declared once, enforced, and documented.

A member that is named nowhere is honoured. Paths are dotted; those below a list are below each of its items.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from local_cloud.shared.service_errors import validation_error
from local_cloud.shared.wire import JsonObject, JsonValue


@dataclass(frozen=True)
class Members:
    """What is declared of one operation's request.

    Attributes:
        without_effect: paths that are accepted, and described where AWS describes them, and otherwise ignored.
        refused: paths that a request may not have.
        only: by path, the values that are emulated; any other is refused.
    """

    without_effect: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def require(self, request: JsonObject) -> None:
        """Refuse what a request may not ask for.

        Raises:
            ServiceError: `ValidationException`, naming the member.
        """
        for path in self.refused:
            for _ in values_at(request, path):
                raise validation_error(f"{path} is not emulated by the local cloud.")
        for path, allowed in self.only.items():
            for value in values_at(request, path):
                if value not in allowed:
                    raise validation_error(
                        f"{path} {value} is not emulated by the local cloud; {' and '.join(allowed)} "
                        f"{'is' if len(allowed) == 1 else 'are'}."
                    )

    def below(self, prefix: str) -> Members:
        """Return the same of a structure that another request has as its member `prefix`."""
        return Members(
            tuple(f"{prefix}.{path}" for path in self.without_effect),
            tuple(f"{prefix}.{path}" for path in self.refused),
            {f"{prefix}.{path}": values for path, values in self.only.items()},
        )

    def __or__(self, other: Members) -> Members:
        return Members(
            self.without_effect + other.without_effect, self.refused + other.refused, {**self.only, **other.only}
        )


def values_at(value: JsonValue, path: str) -> Iterator[JsonValue]:
    """Yield what a request has at a path: nothing, one value, or one for each item of the lists on the way."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            yield from values_at(item, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, Mapping):
        name, _, rest = path.partition(".")
        yield from values_at(value.get(name), rest)
