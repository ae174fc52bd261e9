from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from audit.assembly import Assembly
from audit.lines import line_index

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def paths(value: object, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """The way to every value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path}.union(*(paths(item, (*path, str(key))) for key, item in inner))


@given(VALUES)
def test_every_value_of_a_text_has_a_line(value: object) -> None:
    assert set(line_index(json.dumps(value, indent=1))) == paths(value)


def test_a_member_is_on_the_line_of_its_key() -> None:
    text = '{\n "a": [\n  1,\n  {"b:{": "]"}\n ],\n "empty": [],\n "c": {}\n}'

    assert line_index(text) == {
        (): 1,
        ("a",): 2,
        ("a", "0"): 3,
        ("a", "1"): 4,
        ("a", "1", "b:{"): 4,
        ("empty",): 6,
        ("c",): 7,
    }


def test_lines_of_prod_hold_the_keys_that_lead_to_them(prod: Assembly) -> None:
    for stack, known in prod.lines.items():
        lines = prod.texts[stack].splitlines()
        for path, line in known.items():
            if path and not path[-1].isdigit():
                assert json.dumps(path[-1], ensure_ascii=False) in lines[line - 1]
