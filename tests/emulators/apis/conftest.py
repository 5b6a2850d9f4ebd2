"""What the tests of protected resources share: tokens, and a client of the application behind the ports."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from werkzeug.test import Client, TestResponse

from azcred_emulators.directory import Application
from azcred_emulators.emulators import Emulators
from azcred_emulators.tokens.access import AppOnlyAccess

Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(emulators: Emulators, client: Client, application: Application) -> Ask:
    """Return a function that sends a request with a token for an audience; `claims` are put into it."""

    def send(
        url: str,
        method: str = "GET",
        audience: str | None = None,
        claims: dict[str, object] | None = None,
        **options: object,
    ) -> TestResponse:
        headers = dict(options.pop("headers", {}))  # type: ignore[call-overload]
        if audience:
            base = emulators.tokens.app_only(AppOnlyAccess(application, audience)).claims
            headers["Authorization"] = f"Bearer {emulators.tokens.mint({**base, **(claims or {})}).value}"
        host, _, path = url.removeprefix("https://").partition("/")
        return client.open(f"/{path}", base_url=f"https://{host}", method=method, headers=headers, **options)  # type: ignore[arg-type]

    return send
