"""The client of a server's control API."""

import json
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode

from azcred_emulators.serving.urls import split_url
from azcred_emulators.standalone.control.guard import check_key

_PATIENCE = 30.0  # real seconds
_JSON = "application/json"


class ServerError(Exception):
    """A server that does not answer, or answers with an error; the text is one sentence."""


class ControlClient:
    """A client of the server at a URL such as "http://127.0.0.1:8400"; `key` is needed from another machine.

    Raises ServerError for a malformed URL or key.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = split_url(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ServerError(f"a server is at a URL such as 'http://127.0.0.1:8400', not at {url!r}")
        try:
            check_key(key)
        except ValueError as error:
            raise ServerError(str(error)) from None
        self.url: str = url.rstrip("/")
        self.address: tuple[str, int] = (parts.hostname, parts.port or 80)
        self._key = key

    def get(self, path: str, **query: object) -> Any:
        """Return the answer to a GET of a path below /azcred; raises ServerError."""
        return self._send("GET", f"{path}?{urlencode(query)}" if query else path)

    def put(self, path: str, body: Mapping[str, object]) -> Any:
        """Return the answer to a PUT; raises ServerError."""
        return self._send("PUT", path, body)

    def patch(self, path: str, body: Mapping[str, object]) -> Any:
        """Return the answer to a PATCH; raises ServerError."""
        return self._send("PATCH", path, body)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Return the answer to a POST; raises ServerError."""
        return self._send("POST", path, {} if body is None else body)

    def delete(self, path: str) -> Any:
        """Return the answer to a DELETE; raises ServerError."""
        return self._send("DELETE", path)

    def certificate_authority(self) -> str:
        """Return the certificate authority of the server, in PEM form; raises ServerError."""
        return self._request("GET", "/ca", media_type="application/x-pem-file")

    def _send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        answer = self._request(method, path, body)
        try:
            return json.loads(answer)
        except ValueError:
            raise ServerError(f"the server at {self.url} is no azcred server: it answers {path} with no JSON") from None

    def _request(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, media_type: str = _JSON
    ) -> str:
        """Return the answer to a request, which must have this type."""
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = _JSON
        try:
            # Of the standard library and without a proxy: the client may be where everything else is redirected.
            with closing(HTTPConnection(*self.address, timeout=_PATIENCE)) as connection:
                connection.request(method, f"/azcred{path}", body=content, headers=headers)
                response = connection.getresponse()
                answer = response.read().decode()
        except (OSError, HTTPException, ValueError) as error:
            raise ServerError(f"no azcred server answers at {self.url}: {error or type(error).__name__}") from None
        kind = response.headers.get_content_type()
        if response.status >= 400:
            reason = f"{response.status} {response.reason}"
            raise ServerError(f"the server at {self.url} refused: {_error(answer) if kind == _JSON else reason}")
        if kind != media_type:
            raise ServerError(f"the server at {self.url} is no azcred server: it answers {path} with {kind}")
        return answer


def _error(answer: str) -> str:
    """Return the sentence in the answer of a server, which may be another than azcred's."""
    try:
        return str(json.loads(answer)["error"])
    except (ValueError, LookupError, TypeError):
        return "it does not say why"
