"""What msal is given instead of its own HTTP session and token cache. Imports msal: import this late."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msal
from azure.core.rest import HttpRequest

from .errors import authentication_failed
from .http import HttpPipeline, send
from .token_response import refusal


class _NoTokenCache(msal.TokenCache):  # type: ignore[misc]  # msal has no types
    """Keeps nothing, so that the credential's own cache alone decides when to ask for a token."""

    def add(self, event: Mapping[str, Any], now: float | None = None) -> None:
        """Forget a token that was obtained."""


def no_token_cache() -> Any:
    """Return a cache for msal that keeps nothing."""
    return _NoTokenCache()


@dataclass(frozen=True, slots=True)
class MsalResponse:
    """A response in the shape that msal documents for its ``http_client``."""

    status_code: int
    headers: Mapping[str, str]
    text: str = field(repr=False)

    def raise_for_status(self) -> None:
        """Raise if the status says that the request failed."""
        if self.status_code >= 400:
            raise authentication_failed(f"the service answered {self.status_code}.")


class MsalHttpClient:
    """Sends msal's requests through an azure-core pipeline.

    Keywords are settings of the pipeline for these requests, such as ``retry_total``.
    """

    def __init__(self, pipeline: HttpPipeline, **options: Any) -> None:
        self._pipeline = pipeline
        self._options = options
        self.last_refusal: str = ""
        """What the service said when it last refused a request; msal drops that text during discovery."""

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> MsalResponse:
        """Send a GET request."""
        return self._send(HttpRequest("GET", url, params=params, headers=dict(headers or {})))

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> MsalResponse:
        """Send a form."""
        form = dict(data or {})
        request = HttpRequest("POST", url, params=params, headers=dict(headers or {}), data=form)
        return self._send(request, retry_on_methods=["POST"])

    def close(self) -> None:
        """Nothing to do: the pipeline belongs to the credential."""

    def _send(self, request: HttpRequest, **options: Any) -> MsalResponse:
        answer = send(self._pipeline, request, **self._options, **options)
        if answer.status >= 400:
            self.last_refusal = refusal(answer.payload)
        # msal logs a body that is not JSON, whatever is in it.
        return MsalResponse(answer.status, answer.headers, "" if answer.payload is None else answer.text)
