"""What `--query` understands, as jmespath.org's own examples and people's habits have it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azcred_emulators.executables.azure_cli.query import BadQuery, compile_query

VALUE = {
    "name": "a",
    "id": "1",
    "on": True,
    "size": 0,
    "none": None,
    "user": {"name": "dana", "roles": ["x", "y"]},
    "odd key": 5,
    "list": [{"n": 1, "on": True, "tags": ["p", "q"]}, {"n": 2, "on": False, "tags": ["r"]}, {"m": 3}],
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("name", "a"),
        ("user.name", "dana"),
        ("user.nothing.more", None),
        ('"odd key"', 5),
        ("@.name", "a"),
        ("user.roles[0]", "x"),
        ("user.roles[-1]", "y"),
        ("user.roles[5]", None),
        ("name[0]", None),
        ("list[].n", [1, 2]),
        ("list[*].n", [1, 2]),
        ("list[0].tags[1]", "q"),
        ("list[].tags", [["p", "q"], ["r"]]),
        ("list[].tags[]", ["p", "q", "r"]),
        ("list[].tags[0]", ["p", "r"]),
        ("list[].tags | [0]", ["p", "q"]),
        ("list[?on].n", [1]),
        ("list[?on] | [0].n", 1),
        ("list[?n==`2`].tags[]", ["r"]),
        ("list[?n!=`2` && on].n", [1]),
        ("list[?n==`2` || m==`3`].[n, m]", [[2, None], [None, 3]]),
        ("list[?!on].n", [2]),
        ("[name, user.name]", ["a", "dana"]),
        ("{Name: name, Who: user.name}", {"Name": "a", "Who": "dana"}),
        ("list[].{N: n}", [{"N": 1}, {"N": 2}, {"N": None}]),
        ("user.*", ["dana", ["x", "y"]]),
        ("none || name", "a"),
        ("size || name", 0),
        ("on && name", "a"),
        ("name == 'a'", True),
        ("(none || user).name", "dana"),
        ("name.{a: b}", {"a": None}),
        ("none.{a: b}", None),
    ],
)
def test_queries(query: str, expected: object) -> None:
    """Each finds what JMESPath says it does."""
    assert compile_query(query)(VALUE) == expected


@pytest.mark.parametrize("query", ["", "id[", "a..b", "a b", "length(@)", "[?a", "{a}", "a.", "'x", "#", "a | ", "[,]"])
def test_bad_queries(query: str) -> None:
    """What is malformed, and a function, which is beyond this, is refused."""
    with pytest.raises(BadQuery):
        compile_query(query)


@given(st.text("ab.[]{}?*|&!=@'`\"01,: -#", max_size=12), st.sampled_from([VALUE, [VALUE], None, "text", 5]))
def test_nonsense_is_refused_or_answered(query: str, value: Any) -> None:
    """No query makes anything else happen."""
    try:
        compiled = compile_query(query)
    except BadQuery:
        return
    compiled(value)
