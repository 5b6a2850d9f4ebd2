"""The output formats of `az`: one value as JSON, YAML, a table, or tab-separated.

YAML is written for what commands return: mappings, lists and scalars. `jsonc` and `yamlc` have colours on a terminal
only, and a launcher's output never goes there.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_NOT_IN_TABLES = ("id", "type", "etag")
# Text that YAML 1.1 would read as something else, or not at all.
_AMBIGUOUS = re.compile(
    r"""^$|^[\s\-?:,\[\]{}#&*!|>'"%@`]|[:\s]$|:\s|\s\#|[\x00-\x1f\x7f]
    |^(?:true|false|yes|no|on|off|null|~|=|<<)$
    |^[-+]?(?:0b[01_]+|0x[0-9a-f_]+|[0-9][0-9_]*)$|^[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*(?:e[-+][0-9]+)?$
    |^[-+]?\.(?:inf|nan)$|^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$
    |^[0-9]{4}-[0-9]{2}-[0-9]{2}$|^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}""",
    re.IGNORECASE | re.VERBOSE,
)


class Ordered(dict[str, Any]):
    """A mapping whose order was chosen by a query: tables and tab-separated values keep it."""


def render(value: Any, output: str, *, table: Callable[[Any], Any] | None = None, queried: bool = False) -> str:
    """Return a value in an output format; None is printed as nothing.

    `table` makes the rows of a table, unless the value is the result of a query (`queried`).
    """
    if value is None or output == "none":
        return ""
    if output in ("json", "jsonc"):
        return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    if output in ("yaml", "yamlc"):
        return _yaml(value)
    if output == "tsv":
        return "".join(f"{_tab_separated(row)}\n" for row in (value if isinstance(value, list) else [value]))
    if table and not queried:
        return _table(table(value), ordered=True)
    return _table(value if isinstance(value, list) else [value], ordered=queried)


def _tab_separated(row: Any) -> str:
    if isinstance(row, Mapping):
        values = row.values() if isinstance(row, Ordered) else [value for _, value in sorted(row.items())]
    elif isinstance(row, list):
        values = row
    else:
        return str(row).lower() if isinstance(row, bool) else str(row)
    return "\t".join(_cell(value) for value in values)


def _cell(value: Any) -> str:
    match value:
        case list():
            return str(len(value))
        case dict():
            return ""
        case _:
            return str(value)


def _table(items: Sequence[Any], *, ordered: bool) -> str:
    rows = [_row(item, ordered=ordered) for item in items]
    names = list(dict.fromkeys(name for row in rows for name in row))
    if not names:
        return "\n"
    cells = [[str(row.get(name, "")) for name in names] for row in rows]
    # As tabulate does it, a heading needs two characters more than it has.
    widths = [max([len(name) + 2, *(len(row[index]) for row in cells)]) for index, name in enumerate(names)]
    lines = [names, ["-" * width for width in widths], *cells]
    return "".join("  ".join(map(str.ljust, line, widths)).rstrip() + "\n" for line in lines)


def _row(item: Any, *, ordered: bool) -> dict[str, Any]:
    match item:
        case dict():
            return {
                name[:1].upper() + name[1:]: item[name]
                for name in (item if ordered else sorted(item))
                if name not in _NOT_IN_TABLES and item[name] is not None and not isinstance(item[name], list | dict)
            }
        case list():
            return {f"Column{number}": value for number, value in enumerate(item, 1)}
        case _:
            return {"Result": item}


def _yaml(value: Any) -> str:
    lines = _yaml_lines(value)
    if not isinstance(value, dict | list) and lines[0][:1] not in ("'", '"'):
        lines.append("...")  # ends a plain scalar that stands alone
    return "\n".join([*lines, ""])


def _yaml_lines(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        lines = []
        for name, item in sorted(value.items()):
            nested = _yaml_lines(item)
            if isinstance(item, dict) and item:
                lines += [f"{_yaml_scalar(name)}:", *(f"  {line}" for line in nested)]
            elif isinstance(item, list) and item:
                lines += [f"{_yaml_scalar(name)}:", *nested]
            else:
                lines.append(f"{_yaml_scalar(name)}: {nested[0]}")
        return lines
    if isinstance(value, list) and value:
        lines = []
        for item in value:
            first, *rest = _yaml_lines(item)
            lines += [f"- {first}", *(f"  {line}" for line in rest)]
        return lines
    return [_yaml_scalar(value)]


def _yaml_scalar(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str() if _AMBIGUOUS.search(value):
            if re.search(r"[\x00-\x1f\x7f]", value):
                return json.dumps(value, ensure_ascii=False)
            return "'" + value.replace("'", "''") + "'"
        case dict():
            return "{}"
        case list():
            return "[]"
        case _:
            return str(value)
