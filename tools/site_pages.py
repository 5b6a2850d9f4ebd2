"""What the documentation site takes from the code: the fixtures, the help of `azcred`, and the control API."""

import argparse
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def setup(app: Sphinx) -> dict[str, bool]:
    """Declare the directives."""
    app.add_directive("azcred-fixtures", Fixtures)
    app.add_directive("azcred-command-line", CommandLine)
    app.add_directive("azcred-control-api", ControlApi)
    return {"parallel_read_safe": True}


class _Generated(SphinxDirective):
    """A part of a page that is Markdown made from the code."""

    def run(self) -> list[nodes.Node]:
        """Return what the Markdown says."""
        return self.parse_text_to_nodes("\n".join(self.lines()), allow_section_headings=True)

    def lines(self) -> Iterator[str]:
        """Yield the lines."""
        raise NotImplementedError


class Fixtures(_Generated):
    """The fixtures of the plugin, in the order in which it defines them."""

    def lines(self) -> Iterator[str]:
        """Yield the lines."""
        yield from fixtures()


def fixtures() -> Iterator[str]:
    """Yield a heading and the documentation of each fixture."""
    from pytest_azcred import plugin

    for name, fixture in vars(plugin).items():
        function = getattr(fixture, "_fixture_function", None)
        if function is None or name.startswith("_"):
            continue
        scope = fixture._fixture_function_marker.scope
        yield f"## `{name}`\n"
        yield f"Scope: {scope}.\n" if scope != "function" else ""
        yield f"{inspect.cleandoc(function.__doc__)}\n"


class CommandLine(_Generated):
    """The help of `azcred` and its verbs."""

    def lines(self) -> Iterator[str]:
        """Yield the lines."""
        from pytest_azcred.cli.main import make_parser

        parser = make_parser()
        yield from command(parser)
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for verb in action.choices.values():
                    yield f"## `{verb.prog}`\n"
                    yield from command(verb)


def command(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the description, usage and options of a command and of those below it."""
    yield f"{parser.description}\n"
    usage = " ".join(parser.format_usage().split()).removeprefix("usage: ")
    yield f"```text\n{usage}\n```\n"
    formatter = parser._get_formatter()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction | argparse._HelpAction) or not action.help:
            continue
        yield f"- **`{formatter._format_action_invocation(action)}`**  "
        yield f"  {formatter._expand_help(action)}\n"
    if parser.prog != "azcred":
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for verb in action.choices.values():
                    yield f"### `{verb.prog}`\n"
                    yield from command(verb)
    if parser.epilog:
        yield f"{parser.epilog}\n"


class ControlApi(_Generated):
    """The operations of the control API, from its OpenAPI document."""

    def lines(self) -> Iterator[str]:
        """Yield the lines."""
        from azcred_emulators.standalone.control.openapi import document
        from azcred_emulators.standalone.control.operations import OPERATIONS

        api = document(OPERATIONS)
        for path, methods in api["paths"].items():
            for method, operation in methods.items():
                yield from _operation(method, path, operation)
        yield "## Errors\n"
        yield 'Every operation can answer these statuses, with `{"error": "..."}`.\n'
        yield from _table(("status", "meaning"), ((f"`{status}`", text) for status, text in errors(api).items()))


def errors(api: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the statuses that all operations have in common, with their meaning."""
    [*operations] = (operation for methods in api["paths"].values() for operation in methods.values())
    responses = operations[0]["responses"]
    return {
        status: response["description"]
        for status, response in responses.items()
        if all(operation["responses"].get(status) == response for operation in operations) and int(status) >= 400
    }


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{method.upper()} {path}`\n"
    yield f"{operation['summary'].rstrip('.')}.\n"
    status, response = next(iter(operation["responses"].items()))
    [media_type] = response["content"]
    yield f"It answers `{status}` with `{media_type}`.\n"
    if parameters := operation.get("parameters"):
        yield from _table(
            ("parameter", "in", "type"), ((f"`{one['name']}`", one["in"], one["schema"]["type"]) for one in parameters)
        )
    if body := operation.get("requestBody"):
        schema = body["content"]["application/json"]["schema"]
        yield from _body(schema)


def _body(schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    yield "The body is a JSON object:\n"
    rows = [
        (f"`{name}`", _type(kind), "yes" if name in required else "no")
        for name, kind in schema.get("properties", {}).items()
    ]
    if rows:
        yield from _table(("field", "type", "required"), rows)


def _type(schema: Mapping[str, Any]) -> str:
    """Return a schema in words."""
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(map(_type, schema[choice]))
    kind = schema.get("type", "any JSON value")
    if kind == "array":
        return f"array of {_type(schema.get('items', {}))}"
    if fields := schema.get("properties"):
        return "object with " + ", ".join(f"`{name}`" for name in fields)
    return str(kind)


def _table(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(re.sub(r"\|", r"\\|", cell) for cell in row) + " |"
    yield ""
