"""Speaks with a server's control API."""

import json
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode

from azcred_emulators.serving.urls import split_url

_PATIENCE = 30.0  # real seconds


class ServerError(Exception):
    """A server that does not answer, or refuses; the text is one sentence."""


class Client:
    """A client of the server at a URL such as "http://127.0.0.1:8400"; `key` is needed from another machine.

    Raises ServerError if the URL is none.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = split_url(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ServerError(f"a server is at a URL such as 'http://127.0.0.1:8400', not at {url!r}")
        self.url = url.rstrip("/")
        self.address = (parts.hostname, parts.port or 80)
        self._key = key

    def get(self, path: str, **query: object) -> Any:
        """Return what a GET of a path below /azcred is answered; raises ServerError."""
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path)

    def put(self, path: str, body: Mapping[str, object]) -> Any:
        """Return what a PUT is answered; raises ServerError."""
        return self._ask("PUT", path, body)

    def patch(self, path: str, body: Mapping[str, object]) -> Any:
        """Return what a PATCH is answered; raises ServerError."""
        return self._ask("PATCH", path, body)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Return what a POST is answered; raises ServerError."""
        return self._ask("POST", path, {} if body is None else body)

    def delete(self, path: str) -> Any:
        """Return what a DELETE is answered; raises ServerError."""
        return self._ask("DELETE", path)

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            # Of the standard library and without a proxy: the client may be where everything else is redirected.
            with closing(HTTPConnection(*self.address, timeout=_PATIENCE)) as connection:
                connection.request(method, f"/azcred{path}", body=content, headers=headers)
                response = connection.getresponse()
                answer = response.read().decode()
        except (OSError, HTTPException, ValueError) as error:
            raise ServerError(f"no azcred server answers at {self.url}: {error}") from None
        is_json = response.headers.get_content_type() == "application/json"
        found = json.loads(answer) if is_json else answer
        if response.status >= 400:
            reason = found.get("error") if isinstance(found, dict) else f"{response.status} {response.reason}"
            raise ServerError(f"the server at {self.url} refused: {reason}")
        return found
