"""A transport that answers from a function, and the services that these tests put behind it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest, HttpResponse

TENANT = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
SECRET = "sw0rdfish~of.the/day"
VAULT = "https://vault.azure.net/.default"


@dataclass
class Reply:
    """An HTTP response, as far as azure-core looks at it."""

    body: Any
    status_code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    content_type: str = "application/json"
    request: HttpRequest | None = None

    def text(self, encoding: str | None = None) -> str:
        if isinstance(self.body, bytes):
            return self.body.decode(encoding or "utf-8")
        return self.body if isinstance(self.body, str) else json.dumps(self.body)

    def read(self) -> bytes:
        return self.text().encode()


class FakeTransport(HttpTransport[HttpRequest, HttpResponse]):
    """Hands each request to a function, and keeps what it was asked to send and how long to sleep."""

    def __init__(self, answer: Callable[[HttpRequest], Reply]) -> None:
        self.answer = answer
        self.requests: list[HttpRequest] = []
        self.options: list[Mapping[str, Any]] = []
        self.sleeps: list[float] = []
        self.is_open = False

    @property
    def sent(self) -> list[str]:
        """The method and path of each request."""
        return [f"{request.method} {urlsplit(request.url).path}" for request in self.requests]

    def send(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        self.requests.append(request)
        self.options.append(kwargs)
        return cast(HttpResponse, self.answer(request))

    def sleep(self, duration: float) -> None:
        self.sleeps.append(duration)

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def __enter__(self) -> FakeTransport:
        self.open()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Authority:
    """Entra ID: numbers the tokens that it gives, or refuses."""

    def __init__(self, **token: Any) -> None:
        self.token = {"token_type": "Bearer", "expires_in": 3600} | token
        self.refusal: Reply | None = None
        self.granted = 0

    def __call__(self, request: HttpRequest) -> Reply:
        url = urlsplit(request.url)
        base = f"https://{url.netloc}/{url.path.split('/')[1]}"
        if url.path.endswith("/.well-known/openid-configuration"):
            endpoints = {name: f"{base}/oauth2/v2.0/{name}" for name in ("authorize", "token")}
            return Reply({"authorization_endpoint": endpoints["authorize"], "token_endpoint": endpoints["token"]})
        if url.path == "/common/discovery/instance":
            asked = parse_qs(url.query)["authorization_endpoint"][0].removesuffix("/oauth2/v2.0/authorize")
            discovery = f"{asked}/v2.0/.well-known/openid-configuration"
            return Reply({"tenant_discovery_endpoint": discovery, "metadata": []})
        if self.refusal:
            return self.refusal
        self.granted += 1
        return Reply({"access_token": f"token-{self.granted}"} | self.token)


def refused(code: str = "AADSTS7000215: Invalid client secret provided.", status: int = 401) -> Reply:
    """What Entra ID answers to a request that it does not like."""
    return Reply({"error": "invalid_client", "error_description": code}, status_code=status)


def form(request: HttpRequest) -> dict[str, str]:
    """The fields of a form that was sent."""
    return cast(dict[str, str], cast(Any, request).body)


def renewals_ended() -> None:
    """Wait for the renewals that credentials have begun on threads of their own."""
    for thread in threading.enumerate():
        if thread.name == "azcred-renew":
            thread.join(30)
            assert not thread.is_alive()
