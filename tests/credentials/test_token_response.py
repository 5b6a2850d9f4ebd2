"""An answer is read whatever its shape."""

from __future__ import annotations

from typing import Any

import pytest
from credentials.fakes import Authority, FakeTransport, Reply

from pytest_azcred.credentials.http import build_pipeline
from pytest_azcred.credentials.token_response import refusal, token_of

NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("payload", "halve", "expires_on", "refresh_on"),
    [
        ({"expires_in": 3600}, True, NOW + 3600, None),
        ({"expires_in": "3600"}, True, NOW + 3600, None),
        ({"expires_on": str(NOW + 60), "expires_in": ""}, True, NOW + 60, None),
        ({"expires_in": 7200}, True, NOW + 7200, NOW + 3600),
        ({"expires_in": 7200}, False, NOW + 7200, None),
        ({"expires_in": 7200, "refresh_in": 10}, True, NOW + 7200, NOW + 10),
        ({"expires_in": 7200, "refresh_on": NOW + 20, "refresh_in": 10}, True, NOW + 7200, NOW + 20),
    ],
)
def test_times(payload: dict[str, Any], halve: bool, expires_on: int, refresh_on: int | None) -> None:
    """Relative or absolute, as numbers or as text."""
    token = token_of({"access_token": "token", **payload}, NOW, halve=halve)
    assert token is not None
    assert vars(token) == {
        "token": "token",
        "expires_on": expires_on,
        "token_type": "Bearer",
        "refresh_on": refresh_on,
    }


@pytest.mark.parametrize(
    "payload", [None, [], "text", {}, {"access_token": ""}, {"access_token": "token"}, {"expires_in": 3600}]
)
def test_answers_without_a_token(payload: Any) -> None:
    """Nor do they say why."""
    assert token_of(payload, NOW) is None
    assert refusal(payload) == ""


def test_msal_can_raise_for_a_status() -> None:
    """It documents that it may."""
    from azure.core.exceptions import ClientAuthenticationError

    from pytest_azcred.credentials.msal_adapter import MsalHttpClient

    client = MsalHttpClient(build_pipeline(transport=FakeTransport(lambda request: Reply({}, 404))))
    with pytest.raises(ClientAuthenticationError, match="the service answered 404"):
        client.get("https://login.example.com").raise_for_status()
    client = MsalHttpClient(build_pipeline(transport=FakeTransport(Authority())))
    client.get("https://login.example.com/x").raise_for_status()
    client.close()
