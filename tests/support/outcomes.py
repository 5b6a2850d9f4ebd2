"""What an SDK in another language makes of the states of a developer tool, and what it should."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jwt
import pytest
from support import stage

from azcred_emulators.directory import identifiers

VAULT = "https://vault.azure.net"
SCOPE = f"{VAULT}/.default"
TOKEN = ("", "")  # instead of the class of an error and a part of its message
CHALLENGE = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
_WHOSE = {
    "service principal": identifiers.SERVICE_PRINCIPAL_CLIENT_ID,
    "managed identity": identifiers.VIRTUAL_MACHINE_CLIENT_ID,
}

needs_namespaces = pytest.mark.skipif(bool(stage.why_not()), reason=str(stage.why_not()))


def needs_built(program: Path, folder: Path, target: str) -> pytest.MarkDecorator:
    """Skip tests whose program is not there, or was built before its source in the folder changed."""
    sources = [file.stat().st_mtime for file in folder.iterdir() if file.suffix not in ("", ".py")]
    built = program.exists() and program.stat().st_mtime >= max(sources)
    return pytest.mark.skipif(not built, reason=f"the program is not built, or not anew; run: make {target}")


def check(
    command: Sequence[str | Path],
    credential: str,
    expected: Mapping[str, tuple[str, str]],
    *,
    tools: Sequence[str | None] = (None,),
    **request: Any,
) -> None:
    """Ask a program for a token in every state that something is expected of, by default of the credential's own tool.

    `request` is the same in each. Raises AssertionError with whatever comes out differently.
    """
    cases = [
        {"state": state, "tool": tool, "credential": credential, "scope": SCOPE, **request}
        for tool in tools
        for state in expected
    ]
    wrong = [
        f"{case['tool'] or credential}, {case['state']}: {answer}"
        for case, answer in zip(cases, stage.play(command, cases), strict=True)
        if not _is(answer, *expected[case["state"]], whose=_WHOSE.get(case["state"]))
    ]
    assert not wrong, "\n".join(wrong)


def _is(answer: Mapping[str, Any], kind: str, message: str, *, whose: str | None) -> bool:
    if kind:
        return bool(answer.get("error") == kind and message in answer["message"])
    if "token" not in answer:
        return False
    claims = jwt.decode(answer["token"], options={"verify_signature": False})
    right = claims["appid"] == whose if whose else claims.get("upn") == identifiers.USER_PRINCIPAL_NAME
    return bool(right and claims["aud"] == VAULT and claims["exp"] == answer["expires"])


def whose(answer: Mapping[str, Any]) -> str:
    """Return whose token it is, a user's name or a client id, or the error's message."""
    if "token" not in answer:
        return str(answer["message"])
    claims = jwt.decode(answer["token"], options={"verify_signature": False})
    return str(claims.get("upn") or claims["appid"])
