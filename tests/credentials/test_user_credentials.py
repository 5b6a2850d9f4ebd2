"""Users who sign in: azure-identity's credentials and ours, with the fixtures in the person's place."""

from __future__ import annotations

import platform
import re
import socket
import struct
import threading
import webbrowser
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.identity
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from credentials.fakes import renewals_ended
from credentials.implementations import Implementation, kind_of
from support.entra import GRAPH, VAULT, Entra, claims_of
from support.leftovers import let_go

from azcred_emulators.directory import contoso, identifiers
from pytest_azcred.azcred import Azcred
from pytest_azcred.browser import FakeBrowser
from pytest_azcred.credentials import (
    AuthenticationRecord,
    AuthenticationRequiredError,
    InteractiveBrowserCredential,
)
from pytest_azcred.credentials.authentication_record import record_of

TENANT = contoso.TENANT.id
SCOPE = f"{VAULT}/.default"
GRAPH_SCOPE = f"{GRAPH}/.default"
Login = Callable[..., None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning"),  # by Microsoft: passwords
]


@pytest.fixture(params=["device code", "browser", "password"])
def credential(
    request: pytest.FixtureRequest,
    package: Implementation,
    entra: Entra,
    fake_browser: FakeBrowser,
    fake_device_login: Login,
) -> Any:
    """Each of the three, made by `credential(**keywords)`, with a user who signs in at once."""
    user = entra.user

    def make(**keywords: Any) -> Any:
        if request.param == "device code":
            return package.DeviceCodeCredential(
                prompt_callback=lambda address, code, ends: fake_device_login(code), **keywords
            )
        if request.param == "browser":
            return package.InteractiveBrowserCredential(timeout=20, **keywords)
        return package.UsernamePasswordCredential(
            identifiers.AZURE_CLI_CLIENT_ID, user.principal_name, user.password, **keywords
        )

    return make


def grants(azcred: Azcred) -> list[str | None]:
    """Return the grants of the tokens that were handed out."""
    return [entry.grant for entry in azcred.journal.requests(operation="token", status=200)]


def test_a_user_signs_in_once(azcred: Azcred, credential: Any) -> None:
    """Other resources and later tokens come by refresh token, and a token that is good is kept."""
    made = credential()
    assert claims_of(made.get_token(SCOPE).token)["oid"] == identifiers.USER_ID
    assert claims_of(made.get_token(GRAPH_SCOPE).token)["aud"] == GRAPH
    azcred.clock.advance(hours=2)
    assert claims_of(made.get_token(SCOPE).token)["oid"] == identifiers.USER_ID
    made.get_token_info(SCOPE)
    assert grants(azcred)[1:] == ["refresh_token", "refresh_token"]


def test_claims_take_a_new_token(azcred: Azcred, credential: Any) -> None:
    """Without troubling the user, as long as Entra ID does not want to."""
    made = credential()
    first = made.get_token(SCOPE, enable_cae=True)
    second = made.get_token(SCOPE, enable_cae=True, claims='{"access_token": {"nbf": {"value": "1"}}}')
    assert first.token != second.token
    assert grants(azcred)[1:] == ["refresh_token"]


def test_a_record_of_who_signed_in(credential: Any, entra: Entra) -> None:
    """It holds no secret, and is the same for both implementations, which read each other's."""
    record = credential().authenticate(scopes=[SCOPE])
    assert {name: getattr(record, name) for name in ("authority", "client_id", "tenant_id", "username")} == {
        "authority": "login.microsoftonline.com",
        "client_id": identifiers.AZURE_CLI_CLIENT_ID,
        "tenant_id": TENANT,
        "username": entra.user.principal_name,
    }
    assert record.home_account_id == f"{identifiers.USER_ID}.{TENANT}"
    written = AuthenticationRecord.deserialize(record.serialize()).serialize()
    assert azure.identity.AuthenticationRecord.deserialize(written).serialize() == record.serialize()


def test_a_record_says_where_to_sign_in(azcred: Azcred, package: Implementation, fake_device_login: Login) -> None:
    """Its application and tenant go before the credential's own."""

    def made(**keywords: Any) -> Any:
        return package.DeviceCodeCredential(
            prompt_callback=lambda address, code, ends: fake_device_login(code), **keywords
        )

    record = made(tenant_id=TENANT).authenticate(scopes=[SCOPE])
    azcred.journal.clear()
    made(client_id="another", authentication_record=record).get_token(SCOPE)
    assert {entry.tenant for entry in azcred.journal.requests(operation="token")} == {TENANT}
    assert {entry.client_id for entry in azcred.journal.requests(operation="token")} == {
        identifiers.AZURE_CLI_CLIENT_ID
    }


def test_a_tenant_of_the_users_own(azcred: Azcred, credential: Any) -> None:
    """By default any may be asked for."""
    credential().get_token(SCOPE, tenant_id=TENANT)
    assert azcred.journal.requests(operation="token")[-1].path == f"/{TENANT}/oauth2/v2.0/token"


def test_an_answer_that_does_not_say_who_it_is_for() -> None:
    """No record, rather than a wrong one; without the account's id, the user's stands for it."""
    claims = {"iss": f"https://login.microsoftonline.com/{TENANT}/v2.0", "aud": "client", "sub": "me", "upn": "u"}
    assert record_of({}) is None
    assert record_of({"id_token_claims": {"iss": claims["iss"], "sub": "me"}}) is None
    assert record_of({"id_token_claims": claims, "client_info": "!"}) is None
    record = record_of({"id_token_claims": claims})
    assert record == AuthenticationRecord(TENANT, "client", "login.microsoftonline.com", "me", "u")


def test_a_record_cannot_be_read() -> None:
    """It says what is wrong."""
    with pytest.raises(ValueError, match=r"version '2\.0' cannot be read"):
        AuthenticationRecord.deserialize('{"version": "2.0"}')
    with pytest.raises(ValueError, match="lacks authority, clientId, homeAccountId"):
        AuthenticationRecord.deserialize('{"version": "1.0", "tenantId": "t", "username": "u"}')
    with pytest.raises(ValueError, match="version None"):
        AuthenticationRecord.deserialize("[]")


def test_the_default_scope_of_authenticate(azcred: Azcred, credential: Any) -> None:
    """Azure's management, with the slash that it always had."""
    credential().authenticate()
    assert azcred.journal.requests(operation="token")[-1].resource == "https://management.core.windows.net/"


def test_authenticate_elsewhere_needs_scopes(package: Implementation) -> None:
    """What is managed there is not known."""
    made = package.DeviceCodeCredential(authority="login.example.com", disable_instance_discovery=True)
    with pytest.raises(ClientAuthenticationError) as raised:
        made.authenticate()
    assert kind_of(raised.value) == "unavailable"


def test_no_user_is_troubled_before_authenticate(azcred: Azcred, credential: Any) -> None:
    """If the app wants to choose the moment; afterwards tokens come silently."""
    made = credential(disable_automatic_authentication=True)
    with pytest.raises(ClientAuthenticationError) as raised:
        made.get_token(SCOPE, claims="{}")
    assert type(raised.value).__name__ == "AuthenticationRequiredError"
    assert kind_of(raised.value) == "unavailable"
    assert list(raised.value.scopes) == [SCOPE]  # type: ignore[attr-defined]
    assert raised.value.claims == "{}"  # type: ignore[attr-defined]
    assert grants(azcred) == []
    made.authenticate(scopes=[SCOPE])
    assert claims_of(made.get_token(GRAPH_SCOPE).token)["oid"] == identifiers.USER_ID
    assert len(grants(azcred)) == 2


def test_a_user_whose_sessions_were_revoked_has_to_sign_in_again(azcred: Azcred, credential: Any) -> None:
    """The refresh token is refused, which is told apart from any other failure."""
    made = credential(disable_automatic_authentication=True)
    made.authenticate(scopes=[SCOPE])
    user = azcred.directory.user(identifiers.USER_ID)
    assert user is not None
    azcred.clock.advance(hours=2)
    azcred.directory.replace(user, tokens_valid_from=azcred.clock.now())
    with pytest.raises(ClientAuthenticationError) as raised:
        made.get_token(SCOPE)
    assert type(raised.value).__name__ == "AuthenticationRequiredError"


def test_our_error_says_why(azcred: Azcred, fake_browser: FakeBrowser) -> None:
    """In Entra ID's words, which azure-identity leaves out."""
    with InteractiveBrowserCredential(disable_automatic_authentication=True, timeout=20) as credential:
        with pytest.raises(AuthenticationRequiredError, match=r"call authenticate\(\)\.$"):
            credential.get_token(SCOPE)
        credential.authenticate(scopes=[SCOPE])
        user = azcred.directory.user(identifiers.USER_ID)
        assert user is not None
        azcred.clock.advance(hours=2)
        azcred.directory.replace(user, tokens_valid_from=azcred.clock.now())
        with pytest.raises(AuthenticationRequiredError, match="AADSTS50173"):
            credential.get_token(SCOPE)


def test_one_window_however_many_tokens_are_missing(azcred: Azcred, fake_browser: FakeBrowser) -> None:
    """Ours; azure-identity opens one for each."""
    scopes = [SCOPE, GRAPH_SCOPE, "https://storage.azure.com/.default", "https://management.azure.com/.default"]
    with InteractiveBrowserCredential(timeout=20) as credential, ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(credential.get_token, scopes * 2))
    assert {claims_of(token.token)["oid"] for token in tokens} == {identifiers.USER_ID}
    assert len(fake_browser.opened) == 1
    assert len(grants(azcred)) == 4


def test_the_prompt_of_a_device_code(package: Implementation, fake_device_login: Login) -> None:
    """The address, the code, and until when."""
    prompts: list[tuple[str, str, datetime]] = []

    def prompt(*arguments: Any) -> None:
        prompts.append(arguments)
        fake_device_login(arguments[1])

    package.DeviceCodeCredential(prompt_callback=prompt).get_token(SCOPE)
    [(address, code, ends)] = prompts
    assert address == "https://microsoft.com/devicelogin"
    assert len(code) == 9
    assert 800 < (ends - datetime.now(timezone.utc)).total_seconds() <= 900


def test_a_device_code_is_printed(
    azcred: Azcred, package: Implementation, entra: Entra, capsys: pytest.CaptureFixture[str]
) -> None:
    """If the app says nothing about it."""
    with pytest.raises(ClientAuthenticationError, match=r"(Timed out waiting|nobody signed in)") as raised:
        package.DeviceCodeCredential(timeout=-1).get_token(SCOPE)
    assert kind_of(raised.value) == "failed"
    assert "https://microsoft.com/devicelogin" in capsys.readouterr().out


def test_a_device_code_is_declined(package: Implementation, fake_device_login: Login) -> None:
    """The person's decision is a failure."""
    credential = package.DeviceCodeCredential(
        prompt_callback=lambda address, code, ends: fake_device_login(code, decline=True)
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS65004") as raised:
        credential.get_token(SCOPE)
    assert kind_of(raised.value) == "failed"


def test_an_application_that_must_not_use_device_codes(package: Implementation, entra: Entra) -> None:
    """The refusal comes before any code, in Entra ID's words."""
    credential = package.DeviceCodeCredential("99999999-9999-4999-8999-999999999999")
    with pytest.raises(ClientAuthenticationError, match="AADSTS700016") as raised:
        credential.get_token(SCOPE)
    assert kind_of(raised.value) == "failed"


def test_a_wrong_password(azcred: Azcred, package: Implementation, entra: Entra) -> None:
    """A failure that does not repeat the password."""
    credential = package.UsernamePasswordCredential(
        identifiers.AZURE_CLI_CLIENT_ID, entra.user.principal_name, "not-the-password"
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS50126") as raised:
        credential.get_token(SCOPE)
    assert kind_of(raised.value) == "failed"
    assert "not-the-password" not in str(raised.value)


@pytest.mark.filterwarnings("error")
def test_passwords_are_deprecated(package: Implementation) -> None:
    """The app learns it when it starts."""
    with pytest.warns(DeprecationWarning, match="UsernamePasswordCredential is deprecated"):
        package.UsernamePasswordCredential("client", "user", "password")


def test_the_person_cancels(package: Implementation, fake_browser: FakeBrowser) -> None:
    """A failure."""
    fake_browser.cancel()
    with pytest.raises(ClientAuthenticationError, match="65004") as raised:
        package.InteractiveBrowserCredential(timeout=20).get_token(SCOPE)
    assert kind_of(raised.value) == "failed"


def test_the_person_does_nothing(package: Implementation, fake_browser: FakeBrowser) -> None:
    """The credential's patience ends."""
    fake_browser.ignore()
    with pytest.raises(ClientAuthenticationError) as raised:
        package.InteractiveBrowserCredential(timeout=0.1).get_token(SCOPE)
    assert kind_of(raised.value) == "failed"


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_what_the_window_is_opened_with(
    package: Implementation, fake_browser: FakeBrowser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The redirect URI and the hint are the app's; the answer comes as a form, the person may choose an account."""
    opened: list[str] = []
    real = fake_browser.open

    def watched(url: str) -> bool:
        opened.append(url)
        return real(url)

    monkeypatch.setattr(webbrowser, "open", watched)
    address = f"http://localhost:{free_port()}"
    credential = package.InteractiveBrowserCredential(
        redirect_uri=address, login_hint="dana@contoso.com", tenant_id=TENANT, timeout=20
    )
    assert claims_of(credential.get_token(SCOPE).token)["oid"] == identifiers.USER_ID
    parts = urlsplit(opened[0])
    sent = dict(parse_qsl(parts.query))
    assert parts.path == f"/{TENANT}/oauth2/v2.0/authorize"
    assert {name: sent[name] for name in ("redirect_uri", "login_hint", "prompt", "response_mode")} == {
        "redirect_uri": address,
        "login_hint": "dana@contoso.com",
        "prompt": "select_account",
        "response_mode": "form_post",
    }


def test_a_redirect_uri_without_a_port(package: Implementation) -> None:
    """The app learns it when it starts."""
    with pytest.raises(ValueError, match="localhost:8400"):
        package.InteractiveBrowserCredential(redirect_uri="http://localhost")


def test_a_port_that_is_taken(azcred: Azcred, package: Implementation, fake_browser: FakeBrowser) -> None:
    """Unavailable, and no window opens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        credential = package.InteractiveBrowserCredential(redirect_uri=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ClientAuthenticationError) as raised:
            credential.get_token(SCOPE)
    assert kind_of(raised.value) == "unavailable"
    assert fake_browser.opened == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # azure-identity leaves a listener
def test_a_machine_without_a_browser(azcred: Azcred, package: Implementation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unavailable."""
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    with pytest.raises(ClientAuthenticationError) as raised:
        package.InteractiveBrowserCredential().get_token(SCOPE)
    assert kind_of(raised.value) == "unavailable"
    del raised
    let_go()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # azure-identity leaves a listener
@pytest.mark.parametrize(("exit_code", "outcome"), [(0, "failed"), (1, "unavailable")])
def test_the_browser_of_windows(
    azcred: Azcred,
    package: Implementation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    exit_code: int,
    outcome: str,
) -> None:
    """Linux on Windows (WSL) has none of its own. Here a script plays PowerShell, and nobody signs in."""
    script = tmp_path / "powershell.exe"
    script.write_text(f'#!/bin/sh\nfor argument; do echo "$argument"; done > {tmp_path}/called\nexit {exit_code}\n')
    script.chmod(0o700)
    linux = platform.uname()._replace(system="Linux", release="5.15.90.1-microsoft-standard-WSL2")
    monkeypatch.setattr(platform, "uname", lambda: linux)
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ClientAuthenticationError) as raised:
        package.InteractiveBrowserCredential(timeout=0.1).get_token(SCOPE)
    assert kind_of(raised.value) == outcome
    *options, command = (tmp_path / "called").read_text().splitlines()
    assert options == ["-NoProfile", "-Command"]
    authorize = r"https://login\.microsoftonline\.com/organizations/oauth2/v2\.0/authorize\?[\w.~%&=+-]+"
    assert re.fullmatch(f"""Start-Process (["']){authorize}\\1""", command)
    del raised
    let_go()


@pytest.mark.parametrize("name", ["azure-identity", "ours"])
def test_nobody_at_the_screen_in_the_default_chain(name: str, fake_browser: FakeBrowser) -> None:
    """There nobody asked for a browser, so it is unavailable; whoever wanted it learns that it failed."""
    fake_browser.ignore()
    package = Implementation(name)
    chain = package.DefaultAzureCredential(exclude_interactive_browser_credential=False, timeout=0.1)
    with pytest.raises(ClientAuthenticationError, match=r"InteractiveBrowserCredential: .* 0\.1 s") as raised:
        chain.get_token(SCOPE)
    assert raised.value.__cause__ is None  # as it would be if it had failed
    package.close()


def test_no_window_while_the_token_at_hand_is_good(azcred: Azcred, fake_browser: FakeBrowser) -> None:
    """Ours; azure-identity opens one when five minutes are left and the refresh token is refused."""
    with InteractiveBrowserCredential(timeout=20) as credential:
        first = credential.get_token(SCOPE)
        user = azcred.directory.user(identifiers.USER_ID)
        assert user is not None
        azcred.directory.replace(user, tokens_valid_from=azcred.clock.now() + 1)
        azcred.clock.advance(seconds=first.expires_on - azcred.clock.now() - 60)
        assert credential.get_token(SCOPE).token == first.token
        renewals_ended()
        assert [entry.status for entry in azcred.journal.requests(grant="refresh_token")] == [400]
        assert len(fake_browser.opened) == 1
        azcred.clock.advance(seconds=120)
        assert credential.get_token(SCOPE).token != first.token
        assert len(fake_browser.opened) == 2


def test_a_strangers_answer_is_no_answer(
    azcred: Azcred,
    fake_browser: FakeBrowser,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Ours waits on for the one with its own state; azure-identity takes the first and fails."""
    real = fake_browser.open
    statuses: list[int] = []

    def open_and_intrude(url: str) -> bool:
        redirect = dict(parse_qsl(urlsplit(url).query))["redirect_uri"]
        statuses.extend(
            requests.get(redirect + path, timeout=5).status_code
            for path in ("/favicon.ico", "/?code=stolen&state=guessed", "/?code=stolen")
        )
        with socket.create_connection(("localhost", urlsplit(redirect).port or 0)) as impatient:
            impatient.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
            impatient.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # resets the connection
        idle = socket.create_connection(("localhost", urlsplit(redirect).port or 0))
        threading.Timer(1, idle.close).start()  # a connection that a browser opened and does not use
        return bool(real(url))

    monkeypatch.setattr(webbrowser, "open", open_and_intrude)
    with InteractiveBrowserCredential(timeout=20) as credential:
        assert claims_of(credential.get_token(SCOPE).token)["oid"] == identifiers.USER_ID
    assert statuses == [400, 400, 400]
    assert capfd.readouterr() == ("", "")
