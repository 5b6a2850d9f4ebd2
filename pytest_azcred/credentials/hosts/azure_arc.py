"""A server outside Azure that is connected by Azure Arc.

Its agent gives a token to who can read a file that only some of the server's users can.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pytest_azcred.credentials.errors import authentication_failed
from pytest_azcred.credentials.http import Answer
from pytest_azcred.credentials.identity import Identity, unavailable

from .host import Ask, Host, said

_LARGEST_KEY = 4096  # bytes
_ECHOES = {"client_id": ("client_id",), "object_id": ("object_id",), "resource_id": ("msi_res_id", "mi_res_id")}


def exchange(ask: Ask, identity: Identity | None) -> Answer:
    """Ask for the file's name, and then with its content for the token.

    :raises CredentialUnavailableError: there is no file's name.
    :raises ~azure.core.exceptions.ClientAuthenticationError: the file is none of the agent's, or cannot be read; or
        the token is another identity's.
    """
    challenge = ask({})
    if challenge.status != 401:
        raise unavailable(f"Azure Arc answered {challenge.status} instead of a challenge: {said(challenge)}")
    answer = ask({"Authorization": f"Basic {_key(challenge.headers.get('WWW-Authenticate') or '')}"})
    granted = isinstance(answer.payload, dict) and "access_token" in answer.payload
    if granted and identity and not is_echoed(identity, answer.payload):
        raise authentication_failed(
            f"Azure Arc's agent gave a token of another identity than that with {identity.kind} {identity.value}. "
            "It is too old to know user-assigned identities: update it."
        )
    return answer


def is_echoed(identity: Identity, payload: dict[str, object]) -> bool:
    """Whether an answer says that the token is this identity's."""
    echoes = (payload.get(name) for name in _ECHOES[identity.kind])
    return identity.value.lower() in [str(echo).lower() for echo in echoes if echo]


def _key(challenge: str) -> str:
    scheme, _, name = challenge.partition("=")
    if scheme.strip().lower() != "basic realm" or not name:
        raise authentication_failed("Azure Arc's challenge names no file.")
    path = Path(name)
    if path.parent != _folder() or path.suffix != ".key":
        raise authentication_failed(f"Azure Arc's challenge names {name!r}, which is none of the agent's keys.")
    try:
        with open(path, "rb") as file:
            key = file.read(_LARGEST_KEY + 1)
    except OSError as error:
        raise authentication_failed(
            f"{path} cannot be read ({error.strerror}). Is this user in the group himds?"
        ) from error
    if len(key) > _LARGEST_KEY:
        raise authentication_failed(f"{path} is larger than a key of Azure Arc's agent can be.")
    try:
        return key.decode().strip()
    except UnicodeDecodeError:
        raise authentication_failed(f"{path} holds no key.") from None


def _folder() -> Path:
    """Where the agent puts its keys, which keeps a stranger on its port from being sent another file."""
    if sys.platform == "linux":
        return Path("/var/opt/azcmagent/tokens")
    if sys.platform == "win32" and os.environ.get("PROGRAMDATA"):
        return Path(os.environ["PROGRAMDATA"], "AzureConnectedMachineAgent", "Tokens")
    raise authentication_failed(f"Azure Arc has no managed identity on {sys.platform}.")


HOST = Host(
    name="Azure Arc",
    endpoint="IDENTITY_ENDPOINT",
    headers={"Metadata": "true"},
    parameters={"api-version": "2020-06-01"},
    selectors={"client_id": "client_id", "object_id": "object_id", "resource_id": "msi_res_id"},
    exchange=exchange,
)
