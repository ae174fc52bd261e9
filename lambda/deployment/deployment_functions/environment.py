"""What the stack tells a function: environment variables, read into the fields of a dataclass."""

from __future__ import annotations

import os
from typing import Self, get_type_hints


class FromEnvironment:
    """A dataclass's fields (str, int or float), each from the variable that has its name in capitals.

    A field with a default keeps it where its variable is not set.
    """

    @classmethod
    def from_environment(cls) -> Self:
        """Read the function's environment.

        Raises:
            KeyError: a variable is not set, and its field has no default.
            ValueError: a variable is no number where its field is one.
        """
        fields = get_type_hints(cls).items()
        told = {name: kind for name, kind in fields if name.upper() in os.environ or not hasattr(cls, name)}
        return cls(**{name: kind(os.environ[name.upper()]) for name, kind in told.items()})
