"""Kusto's stand-in: the anonymous metadata, and the rows that a test has set for a query."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from azcred_emulators.apis.stand_in import Answer, ReceivedRequest, StandIn, answers
from azcred_emulators.apis.stand_ins.kusto.data import (
    CLIENT_APPLICATION,
    DYNAMIC,
    FIRST_PARTY_AUTHORITY,
    HOSTS,
    TYPES,
)

Row = Mapping[str, Any]


class Kusto(StandIn):
    """A cluster. `queries` are lists of rows by the query's or command's text, spaces around and within it apart."""

    hosts: ClassVar[tuple[str, ...]] = HOSTS
    contents: ClassVar[Mapping[str, type[Any]]] = {"queries": dict}
    forgiving: ClassVar[bool] = True

    def read(self, name: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return rows by query; raises ValueError if they are no list of tables."""
        for text, rows in value.items():
            if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
                raise ValueError(f"the rows of the query {text!r} are a list of tables, not {rows!r}")
        return {_plain(text): list(rows) for text, rows in value.items()}

    @answers("GET", "/v1/rest/auth/metadata", anonymous=True)
    def metadata(self, request: ReceivedRequest) -> object:
        """Say where clients sign in, and for what."""
        return {
            "AzureAD": {
                "LoginEndpoint": "https://login.microsoftonline.com",
                "LoginMfaRequired": False,
                "KustoClientAppId": CLIENT_APPLICATION,
                "KustoClientRedirectUri": "http://localhost",
                "KustoServiceResourceId": self.resource.audience,
                "FirstPartyAuthorityUrl": FIRST_PARTY_AUTHORITY,
            }
        }

    @answers("POST", "/v2/rest/query")
    def query(self, request: ReceivedRequest) -> object:
        """Return the rows of a query as frames."""
        rows = self._rows(request)
        if rows is None:
            return self._unknown(request)
        columns = [{"ColumnName": name, "ColumnType": kind} for name, (kind, _) in _columns(rows).items()]
        table = {"TableId": 0, "TableKind": "PrimaryResult", "TableName": "PrimaryResult", "Columns": columns}
        header = {"IsProgressive": False, "Version": "v2.0", "IsFragmented": False, "ErrorReportingPlacement": "InData"}
        return [
            {"FrameType": "DataSetHeader", **header},
            {"FrameType": "DataTable", **table, "Rows": _cells(rows)},
            {"FrameType": "DataSetCompletion", "HasErrors": False, "Cancelled": False},
        ]

    @answers("POST", "/v1/rest/mgmt")
    @answers("POST", "/v1/rest/query")
    def command(self, request: ReceivedRequest) -> object:
        """Return the rows of a command as tables."""
        rows = self._rows(request)
        if rows is None:
            return self._unknown(request)
        columns = [
            {"ColumnName": name, "DataType": net, "ColumnType": kind} for name, (kind, net) in _columns(rows).items()
        ]
        return {"Tables": [{"TableName": "Table_0", "Columns": columns, "Rows": _cells(rows)}]}

    def _rows(self, request: ReceivedRequest) -> Sequence[Row] | None:
        rows: Sequence[Row] | None = self.content["queries"].get(_plain(request.json["csl"]))
        return rows

    def _unknown(self, request: ReceivedRequest) -> Answer:
        text = request.json["csl"]
        message = f"The test has set no rows for {text!r}: fill(queries={{{text!r}: [...]}})"
        error = {"code": "General_BadRequest", "message": message, "@type": "Kusto.Data.Exceptions.KustoBadRequest"}
        return Answer(400, json={"error": {**error, "@message": message, "@permanent": True}})


def _plain(text: str) -> str:
    return " ".join(text.split())


def _columns(rows: Sequence[Row]) -> Mapping[str, tuple[str, str]]:
    """Return the types of the columns by name, those of the first row that has a value."""
    values = {name: value for row in reversed(rows) for name, value in row.items() if value is not None}
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: TYPES.get(type(values.get(name)), DYNAMIC) for name in names}


def _cells(rows: Sequence[Row]) -> Sequence[Sequence[object]]:
    return [[row.get(name) for name in _columns(rows)] for row in rows]
