"""The queries that the stand-in of Cosmos DB understands: conditions of equality, and the number of items."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_QUERY = re.compile(
    r"\s*SELECT\s+(?P<what>\*|VALUE\s+COUNT\(1\)|VALUE\s+(?P<alias>\w+)|(?P<fields>\w+\.\w+(?:\s*,\s*\w+\.\w+)*))"
    r"\s+FROM\s+\w+(?:\s+(?!WHERE)(?:AS\s+)?\w+)?(?:\s+WHERE\s+(?P<where>.+?))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_CONDITION = re.compile(r"\(?\s*\w+((?:\.\w+|\[\"\w+\"\])+)\s*=\s*(@\w+|\"[^\"]*\"|'[^']*'|[\w.+-]+)\s*\)?")
_MISSING = object()


def run(text: str, parameters: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return what a query finds; raises ValueError for one that is not understood."""
    found = _QUERY.fullmatch(text)
    if found is None:
        raise ValueError(f"the stand-in understands no query {text!r}")
    values = {str(each["name"]): each["value"] for each in parameters}
    conditions = [_condition(each, values) for each in re.split(r"\s+AND\s+", found["where"] or "", flags=re.I) if each]
    fitting = [item for item in items if all(_value(item, path) == value for path, value in conditions)]
    if "COUNT" in found["what"].upper():
        return [len(fitting)]
    if fields := found["fields"]:
        names = [field.partition(".")[2].strip() for field in fields.split(",")]
        return [{name: item[name] for name in names if name in item} for item in fitting]
    return fitting


def _condition(text: str, values: Mapping[str, Any]) -> tuple[Sequence[str], Any]:
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"the stand-in understands no condition {text!r}, but a field that is equal to a value")
    path = re.findall(r"\w+", found[1])
    literal = found[2]
    if literal.startswith("@"):
        if literal not in values:
            raise ValueError(f"the query has no parameter {literal!r}")
        return path, values[literal]
    if literal[0] in "\"'":
        return path, literal[1:-1]
    try:
        return path, json.loads(literal.lower())
    except ValueError:
        raise ValueError(f"the stand-in understands no value {literal!r}") from None


def _value(item: Mapping[str, Any], path: Sequence[str]) -> Any:
    value: Any = item
    for name in path:
        value = value.get(name, _MISSING) if isinstance(value, Mapping) else _MISSING
    return value
