"""The part of JMESPath that people type after `--query`: paths, indexes, projections, selections, filters and pipes.

user.name    [0].id    [].{Name:name, Id:id}    [?isDefault].id | [0]    [?state=='Enabled'].[name, id]
"""

import json
import re
from collections.abc import Callable
from typing import Any

from azcred_emulators.executables.azure_cli.output import Ordered

Query = Callable[[Any], Any]

_TOKEN = re.compile(
    r"""\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<raw>'(?:[^'\\]|\\.)*')
    |(?P<literal>`(?:[^`\\]|\\.)*`)|(?P<number>-?[0-9]+)|(?P<sign>==|!=|\[\?|\[\]|&&|\|\||[.\[\]{},:|*@()!]))""",
    re.VERBOSE,
)


class BadQuery(ValueError):
    """A query that is malformed, or that uses a part of JMESPath that the fake does not have."""


def compile_query(text: str) -> Query:
    """Return the function that a query is; raises BadQuery."""
    parser = _QueryParser(text)
    query = parser.pipe()
    parser.expect("")
    return query


class _QueryParser:
    """Recursive descent: each method reads one level of the grammar and returns its function."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        text = text.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise BadQuery(text)
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        self._tokens.append(("end", ""))

    def _peek(self, *signs: str) -> bool:
        kind, value = self._tokens[0]
        return kind == "sign" and value in signs

    def _take(self) -> tuple[str, str]:
        return self._tokens.pop(0)

    def expect(self, sign: str) -> None:
        kind, value = self._take()
        if value != sign or kind not in ("sign", "end"):
            raise BadQuery(value)

    def pipe(self) -> Query:
        query = self._either()
        while self._peek("|"):
            self._take()
            query = _then(query, self._either())
        return query

    def _either(self) -> Query:
        query = self._both()
        while self._peek("||"):
            self._take()
            query = _second_if(query, self._both(), when_true=False)
        return query

    def _both(self) -> Query:
        query = self._comparison()
        while self._peek("&&"):
            self._take()
            query = _second_if(query, self._comparison(), when_true=True)
        return query

    def _comparison(self) -> Query:
        if self._peek("!"):
            self._take()
            negated = self._comparison()
            return lambda value: not _is_true(negated(value))
        query = self._path()
        if self._peek("==", "!="):
            _, sign = self._take()
            other = self._path()
            return lambda value: (query(value) == other(value)) is (sign == "==")
        return query

    def _path(self) -> Query:
        kind, value = self._tokens[0]
        if kind in ("name", "quoted"):
            query = self._field()
        elif kind in ("raw", "literal"):
            self._take()
            query = _constant(value[1:-1].replace("\\'", "'") if kind == "raw" else _literal(value[1:-1]))
        elif self._peek("@"):
            self._take()
            query = _itself
        elif self._peek("("):
            self._take()
            query = self.pipe()
            self.expect(")")
        elif self._peek("[", "[]", "[?", "*"):
            query = _itself
        elif self._peek("{"):
            query = self._selection()
        else:
            raise BadQuery(value)
        return _then(query, self._rest())

    def _rest(self, *, projected: bool = False) -> Query:
        """Read what follows a value: fields, indexes, selections, and projections with everything that follows them.

        With `projected` this applies to each element of a projection, and a flattening ends it.
        """
        query: Query = _itself
        while True:
            if self._peek("."):
                self._take()
                if not self._peek("*"):
                    query = _then(query, self._step())
                    continue
            if self._peek("[") and self._tokens[1][0] == "number":
                query = _then(query, self._index())
            elif self._peek("[") and self._tokens[1] != ("sign", "*"):
                query = _then(query, self._list_selection())
            elif self._peek("[]") and projected:
                return query
            elif self._peek("*", "[", "[]", "[?"):
                query = _then(query, _project(self._elements(), self._rest(projected=True)))
            else:
                return query

    def _step(self) -> Query:
        if self._peek("["):
            return self._list_selection()
        return self._selection() if self._peek("{") else self._field()

    def _index(self) -> Query:
        self.expect("[")
        index = int(self._take()[1])
        self.expect("]")
        return _item(index)

    def _elements(self) -> Query:
        """Read the start of a projection and return the query for its elements."""
        _, sign = self._take()
        if sign == "*":
            return _values
        if sign == "[]":
            return _flattened
        if sign == "[?":
            condition = self.pipe()
            self.expect("]")
            return _filtered(condition)
        self.expect("*")
        self.expect("]")
        return _elements

    def _field(self) -> Query:
        kind, value = self._take()
        if kind not in ("name", "quoted") or self._peek("("):  # a function
            raise BadQuery(value)
        name = json.loads(value) if kind == "quoted" else value
        return lambda item: item.get(name) if isinstance(item, dict) else None

    def _list_selection(self) -> Query:
        self.expect("[")
        queries = [self.pipe()]
        while self._peek(","):
            self._take()
            queries.append(self.pipe())
        self.expect("]")
        return lambda value: None if value is None else [query(value) for query in queries]

    def _selection(self) -> Query:
        self.expect("{")
        queries: dict[str, Query] = {}
        while True:
            kind, name = self._take()
            if kind not in ("name", "quoted"):
                raise BadQuery(name)
            self.expect(":")
            queries[json.loads(name) if kind == "quoted" else name] = self.pipe()
            if not self._peek(","):
                break
            self._take()
        self.expect("}")
        return lambda value: None if value is None else Ordered((name, query(value)) for name, query in queries.items())


def _itself(value: Any) -> Any:
    return value


def _constant(value: Any) -> Query:
    return lambda _: value


def _literal(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _then(first: Query, second: Query) -> Query:
    return first if second is _itself else second if first is _itself else lambda value: second(first(value))


def _second_if(first: Query, second: Query, *, when_true: bool) -> Query:
    """Return `&&` (the second if the first is true) or `||` (the second if it is not)."""

    def query(value: Any) -> Any:
        result = first(value)
        return second(value) if _is_true(result) is when_true else result

    return query


def _is_true(value: Any) -> bool:
    return value not in (None, False, "", [], {}) or (isinstance(value, int) and not isinstance(value, bool))


def _item(index: int) -> Query:
    return lambda value: value[index] if isinstance(value, list) and -len(value) <= index < len(value) else None


def _project(elements: Query, rest: Query) -> Query:
    """Return a projection: the rest of the path for each element, without those for which that is nothing."""

    def query(value: Any) -> Any:
        items = elements(value)
        return None if items is None else [item for item in map(rest, items) if item is not None]

    return query


def _elements(value: Any) -> Any:
    return value if isinstance(value, list) else None


def _values(value: Any) -> Any:
    return list(value.values()) if isinstance(value, dict) else None


def _flattened(value: Any) -> Any:
    if not isinstance(value, list):
        return None
    return [item for part in value for item in (part if isinstance(part, list) else [part])]


def _filtered(condition: Query) -> Query:
    return lambda value: [item for item in value if _is_true(condition(item))] if isinstance(value, list) else None
