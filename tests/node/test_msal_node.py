"""Unmodified msal-node against the emulated token service: what an app or a person can sign in with."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.entra import CHALLENGE, GRAPH, REDIRECT, SECRET, VAULT, VERIFIER, Entra, claims_of
from werkzeug.test import Client

from azcred_emulators.directory import ADMIN_CONSENT, contoso
from azcred_emulators.emulators import Emulators
from azcred_emulators.serving.tls import write_private

ROOT = Path(__file__).parents[2]

PACKAGE = "@azure/msal-node"


@pytest.fixture
def entra(azcred_emulators: Emulators) -> Iterator[Entra]:
    """The token service; Node.js is another process, so nothing is redirected in this one."""
    yield Entra(azcred_emulators, Client(azcred_emulators.application))
    azcred_emulators.reset()


def call(
    entra: Entra,
    tmp_path: Path,
    application: str,
    method: str,
    request: Mapping[str, object],
    *,
    on_user_code: Callable[[str], None] | None = None,
    **auth: object,
) -> dict[str, Any]:
    """Run Node.js with one call of a client application and return what it printed."""
    emulators = entra.emulators
    certificate = write_private(tmp_path / "authority.pem", emulators.certificate_authority.pem.encode())
    host, port = emulators.https.address
    authority = f"https://{host}:{port}"
    job = {
        "application": application,
        "method": method,
        "request": request,
        "configuration": {
            "auth": {"authority": f"{authority}/{contoso.TENANT.id}", "knownAuthorities": [f"{host}:{port}"], **auth}
        },
    }
    with subprocess.Popen(
        ["node", str(Path(__file__).with_name("msal.cjs"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "NODE_EXTRA_CA_CERTS": str(certificate)},
        cwd=ROOT,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stderr
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        if on_user_code:
            on_user_code(process.stderr.readline().strip())
        printed, errors = process.communicate(timeout=100)
    assert printed, errors
    return dict(json.loads(printed))


def test_client_credentials(entra: Entra, tmp_path: Path) -> None:
    """An application acts for itself."""
    shop = entra.add_web_app()
    result = call(
        entra,
        tmp_path,
        "ConfidentialClientApplication",
        "acquireTokenByClientCredential",
        {"scopes": [f"{VAULT}/.default"]},
        clientId=shop.client_id,
        clientSecret=SECRET,
    )
    assert claims_of(result["accessToken"])["appid"] == shop.client_id


def redeem(entra: Entra, tmp_path: Path, *, verifier: str) -> dict[str, Any]:
    """Sign the user in to a web app, which redeems its code with this verifier."""
    shop = entra.add_web_app()
    back = entra.authorize(shop, code_challenge=CHALLENGE, code_challenge_method="S256")
    request = {
        "code": back["code"],
        "scopes": [f"{GRAPH}/User.Read"],
        "redirectUri": REDIRECT,
        "codeVerifier": verifier,
    }
    return call(
        entra,
        tmp_path,
        "ConfidentialClientApplication",
        "acquireTokenByCode",
        request,
        clientId=shop.client_id,
        clientSecret=SECRET,
    )


def test_an_authorization_code_with_pkce(entra: Entra, tmp_path: Path) -> None:
    """A web app redeems the code and later refreshes without the person."""
    result = redeem(entra, tmp_path, verifier=VERIFIER)
    assert result["username"] == entra.user.principal_name, result
    assert claims_of(result["accessToken"])["oid"] == entra.user.object_id
    assert claims_of(result["refreshed"])["oid"] == entra.user.object_id
    assert result["refreshed"] != result["accessToken"]
    grants = [entry.grant for entry in entra.emulators.journal.requests(operation="token")]
    assert grants == ["authorization_code", "refresh_token"]


def test_a_wrong_verifier(entra: Entra, tmp_path: Path) -> None:
    """The code is not redeemed without the proof."""
    result = redeem(entra, tmp_path, verifier="w" * 64)
    assert result["error"] == "invalid_grant"
    assert "AADSTS501481" in result["message"]


def test_on_behalf_of(entra: Entra, tmp_path: Path) -> None:
    """An API exchanges the token it was called with for one of its own."""
    api = entra.add_api(permission_grants=(ADMIN_CONSENT,))
    called_with = entra.password(entra.user, scope="api://orders/Orders.Read").get_json()
    result = call(
        entra,
        tmp_path,
        "ConfidentialClientApplication",
        "acquireTokenOnBehalfOf",
        {"oboAssertion": called_with.get("access_token", called_with), "scopes": [f"{GRAPH}/User.Read"]},
        clientId=api.client_id,
        clientSecret=SECRET,
    )
    assert claims_of(result["accessToken"])["oid"] == entra.user.object_id


def test_a_device_code(entra: Entra, tmp_path: Path) -> None:
    """The person approves the code that the tool shows."""
    authority = entra.emulators.authority
    result = call(
        entra,
        tmp_path,
        "PublicClientApplication",
        "acquireTokenByDeviceCode",
        {"scopes": [f"{VAULT}/.default"]},
        on_user_code=lambda code: authority.context.device_codes.approve(code, authority.sign_in(entra.user)),
        clientId=entra.cli.client_id,
    )
    assert result["username"] == entra.user.principal_name, result
    assert claims_of(result["accessToken"])["aud"] == VAULT
