"""What Entra ID may answer: azure-identity's credentials and ours make the same of it.

Errors that azure-identity lets out as they are (of the parser, or of the transport) end a chain as failures do; ours
are failures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from credentials.implementations import Implementation, kind_of
from credentials.test_host_answers import RAW, statuses
from support.entra import SECRET, VAULT, Entra

from azcred_emulators.directory import ADMIN_CONSENT, FederatedCredential, contoso, identifiers
from azcred_emulators.emulation.fault import RequestFault
from azcred_emulators.faults import (
    CaptivePortal,
    MissingField,
    MistypedField,
    NotJson,
    Reset,
    Status,
    Truncate,
)
from pytest_azcred.azcred import Azcred

pytestmark = pytest.mark.slow

TENANT = contoso.TENANT.id
SCOPE = f"{VAULT}/.default"
ISSUER = "https://token.actions.githubusercontent.com"
BODIES: dict[str, object] = {
    "nothing": "",
    "text": "no",
    "an empty object": {},
    "an error": {"error": "invalid_request", "error_description": "AADSTS90014: no"},
    "an error without a word": {"error": "invalid_request"},
    "a list": [1],
    "null": "null",
}
ANSWERS: dict[str, Callable[[], RequestFault]] = {
    **{
        f"{status} with {name}": lambda status=status, body=body: Status(status, body=body)  # type: ignore[misc]
        for status in (200, 400, 500)
        for name, body in BODIES.items()
    },
    **{
        f"no {name}": lambda name=name: MissingField(name)  # type: ignore[misc]
        for name in ("access_token", "expires_in", "token_type", "ext_expires_in", "client_info", "id_token", "scope")
    },
    "an expiry that is no number": lambda: MistypedField("expires_in", "soon"),
    "an expiry that is text": lambda: MistypedField("expires_in", "3600"),
    "a page": CaptivePortal,
    "JSON that was cut off": NotJson,
    "a body that was cut off": Truncate,
    "a connection that was reset": Reset,
}
DIFFERENCES = {
    ("password", "token", "no id_token"): "token",  # whose it is does not matter for a token
}


def makers(entra: Entra, azcred: Azcred) -> dict[str, Callable[[Implementation], Any]]:
    """Return how each credential is made."""
    issuer = azcred.issuers.get(ISSUER)
    api = entra.add_api(
        permission_grants=(ADMIN_CONSENT,),
        federated_credentials=(FederatedCredential(ISSUER, "repo:orders"),),
    )
    user = entra.user
    assertion = str(entra.sign_in(entra.add_web_app(), scope="api://orders/Orders.Read")["access_token"])
    quick = {"retry_backoff_factor": 0}
    return {
        "secret": lambda package: package.ClientSecretCredential(TENANT, api.client_id, SECRET, **quick),
        "assertion": lambda package: package.ClientAssertionCredential(
            TENANT, api.client_id, lambda: issuer.assertion("repo:orders"), **quick
        ),
        "on behalf of": lambda package: package.OnBehalfOfCredential(
            TENANT, api.client_id, user_assertion=assertion, client_secret=SECRET, **quick
        ),
        "password": lambda package: package.UsernamePasswordCredential(
            identifiers.AZURE_CLI_CLIENT_ID, user.principal_name, user.password, tenant_id=TENANT, **quick
        ),
    }


CASES = [
    *((name, "token") for name in ("secret", "assertion", "on behalf of", "password")),
    *((name, "openid-configuration") for name in ("secret", "password")),  # nothing else is looked up
]


def outcome(made: Callable[[], Any], azcred: Azcred, answer: str, operation: str) -> tuple[str, list[int | None]]:
    """Return what comes of asking, and the statuses of the answers, if every answer is this one."""
    azcred.journal.clear()
    azcred.authority.faults.add(ANSWERS[answer](), times=9, optional=True, operation=operation)
    try:
        made().get_token(SCOPE)
    except Exception as error:
        kind = kind_of(error)
    else:
        kind = "token"
    finally:
        azcred.authority.faults.clear()
    return "failed" if kind in RAW else kind, statuses(answer, azcred.journal.requests())


@pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")
@pytest.mark.parametrize(("name", "operation"), CASES)
def test_the_same_is_made_of_each_answer(azcred: Azcred, entra: Entra, name: str, operation: str) -> None:
    """A token or failed; after the same requests. What differs on purpose is in the table."""
    make = makers(entra, azcred)[name]
    differences: dict[str, object] = {}
    theirs, ours = Implementation("azure-identity"), Implementation("ours")
    for answer in ANSWERS:
        their, our = (
            outcome(lambda package=package: make(package), azcred, answer, operation)  # type: ignore[misc]
            for package in (theirs, ours)
        )
        case = (name, operation, answer)
        if our != (DIFFERENCES.get(case, their[0]), their[1]) or (their[0] == our[0]) == (case in DIFFERENCES):
            differences[answer] = {"azure-identity": their, "ours": our}
    theirs.close()
    ours.close()
    assert differences == {}
