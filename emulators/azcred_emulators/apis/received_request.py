"""A request as a protected resource has received it: what tests assert on, and what functions get that answer it."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import Headers

from azcred_emulators.emulation.request import Request

REQUEST_FIELDS = ("method", "path", "query", "parameters", "claims", "identity", "status")  # that are plain data
_MASKED = "<token>"
_AUTOMATIC = 47  # zlib finds out itself whether it is gzip or deflate
_MAXIMUM = 64 * 1024 * 1024  # bytes of a body that was compressed


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """One request. It holds no token: the `claims` are those of a token that is good, else None.

    `identity` is whose token it was, as the directory calls them. `parameters` are those of the path, `query` those of
    the URL; of one that comes twice, the first. `body` is decompressed. `status` is that of the answer, None as long as
    it is being answered.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Headers = field(repr=False, default_factory=Headers)
    body: bytes = field(repr=False, default=b"")
    parameters: Mapping[str, str] = field(default_factory=dict)
    claims: Mapping[str, Any] | None = field(repr=False, default=None)
    identity: str | None = None
    status: int | None = None

    @property
    def json(self) -> Any:
        """The body as JSON; raises ValueError if it is none."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def receive(request: Request, path: str) -> ReceivedRequest:
    """Return a request to an emulator without its token."""
    headers = Headers([pair for pair in request.headers if pair[0] != "Authorization"])
    if "Authorization" in request.headers:
        scheme = request.headers["Authorization"].partition(" ")[0]
        headers["Authorization"] = f"{scheme} {_MASKED}" if scheme.isalpha() else _MASKED
    return ReceivedRequest(
        method=request.method,
        path=path,
        query=request.args.to_dict(),
        headers=headers,
        body=_decompressed(request.get_data(), request.headers.get("Content-Encoding", "")),
    )


def _decompressed(body: bytes, encoding: str) -> bytes:
    if encoding.lower() not in ("gzip", "deflate"):
        return body
    try:
        return zlib.decompressobj(_AUTOMATIC).decompress(body, _MAXIMUM)
    except zlib.error:
        return body
