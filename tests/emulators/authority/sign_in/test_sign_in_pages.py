"""The sign-in pages on the wire: each step, what is refused, what is escaped, and where a browser may be sent."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from support.entra import AUTHORITY, GRAPH, REDIRECT, Entra
from support.pages import PAGE, back, sign_in, start, submit

from azcred_emulators.directory import Application, ConditionalAccessPolicy, Mfa, contoso, identifiers

SCRIPT = "\"'><script>alert(1)</script>"


def test_every_step(entra: Entra) -> None:
    """Account, password, second factor, staying signed in, consent; then the code, which is redeemable."""
    app, user = entra.add_web_app(permission_grants=()), entra.add_user(mfa=Mfa.ENFORCED)
    page = start(entra, app)
    for title, fields in [
        ("Pick an account", {"username": user.principal_name}),
        ("Enter password", {"password": "pw"}),
        ("Approve sign-in request", {"answer": "approve"}),
        ("Stay signed in?", {"answer": "yes"}),
        ("Permissions requested", {"answer": "accept"}),
    ]:
        assert f"<h1>{title}</h1>" in page.text
        page = submit(entra, page, **fields)
    answer = back(page)
    assert answer["state"] == "s"
    assert entra.redeem(app, answer["code"]).status_code == 200
    assert "code" in back(start(entra, app)), "signed in and consented"


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"username": "nobody@contoso.com"}, 50034), ({"username": "dana@contoso.com", "password": "wrong"}, 50126)],
)
def test_a_page_complains(entra: Entra, fields: dict[str, str], code: int) -> None:
    """The person may try again; what they typed as a password is not shown, and nobody is signed in."""
    page = submit(entra, start(entra, entra.add_web_app()), username=fields["username"])
    if "password" in fields:
        page = submit(entra, page, password=fields["password"])
        assert 'value="wrong"' not in page.text
    assert f"AADSTS{code}" in page.text
    assert "ESTSAUTH" not in page.headers.get("Set-Cookie", "")


def test_declining(entra: Entra) -> None:
    """Cancel on the consent page tells the app."""
    app = entra.add_web_app(permission_grants=())
    page = submit(entra, sign_in(entra, start(entra, app)), answer="no")
    answer = back(submit(entra, page, answer="cancel"))
    assert (answer["error"], answer["state"]) == ("access_denied", "s")


@pytest.mark.parametrize("field", ["canary", "ticket"])
@pytest.mark.parametrize("value", ["", "0" * 64, "\u00e9"])
def test_forged_forms(entra: Entra, field: str, value: str) -> None:
    """A form that this browser was not given has no effect."""
    app = entra.add_web_app(permission_grants=())
    page = submit(entra, sign_in(entra, start(entra, app)), answer="no")
    assert "Permissions requested" in page.text
    submit(entra, page, answer="accept", **{field: value})
    found = entra.emulators.directory.principal(app.client_id)
    assert isinstance(found, Application)
    assert found.permission_grants == ()


def test_a_password_that_must_be_typed_again(entra: Entra) -> None:
    """With prompt=login the session in the browser does not do, whatever the form says."""
    app = entra.add_web_app()
    page = sign_in(entra, start(entra, app))
    assert "code" in back(submit(entra, page, answer="yes"))
    assert "Enter password" in start(entra, app, prompt="login", login_hint=entra.user.principal_name).text
    page = start(entra, app, prompt="login")
    forged = submit(entra, page, step="stay", user=entra.user.object_id, answer="no")
    assert "Pick an account" in forged.text


def test_a_password_that_a_policy_wants_again(entra: Entra) -> None:
    """With a sign-in frequency the session does for that long, and the code that follows is good."""
    app = entra.add_web_app()
    submit(entra, sign_in(entra, start(entra, app)), answer="no")
    entra.emulators.directory.add(
        ConditionalAccessPolicy(name="hourly", tenant_id=contoso.TENANT.id, sign_in_frequency=timedelta(hours=1))
    )
    entra.emulators.clock.advance(minutes=59)
    assert "code" in back(start(entra, app))
    entra.emulators.clock.advance(minutes=1)
    page = start(entra, app)
    assert "Enter password" in page.text
    answer = back(submit(entra, submit(entra, page, password=entra.user.password), answer="no"))
    assert entra.redeem(app, answer["code"]).status_code == 200


def test_silently(entra: Entra) -> None:
    """prompt=none never shows a page."""
    app = entra.add_web_app(permission_grants=())
    assert back(start(entra, app, prompt="none"))["error"] == "login_required"
    page = submit(entra, sign_in(entra, start(entra, app)), answer="no")
    assert back(start(entra, app, prompt="none"))["error"] == "consent_required"
    submit(entra, page, answer="accept")
    assert "code" in back(start(entra, app, prompt="none"))
    assert back(start(entra, app, prompt="none", login_hint="ada@contoso.com"))["error"] == "login_required"
    entra.client.get("/common/oauth2/v2.0/logout", base_url=AUTHORITY)
    assert back(start(entra, app, prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/auth",
        "http://localhost:80@evil.example/auth",
        "http://localhost@evil.example/auth",
        "//evil.example",
        "javascript:alert(1)",
        f"{REDIRECT}.evil.example",
        f"{REDIRECT}#@evil.example",
        "http://localhost\\@evil.example/auth",
    ],
)
@pytest.mark.parametrize("scope", [f"{GRAPH}/User.Read", None], ids=["right", "no scope"])
def test_no_open_redirect(entra: Entra, address: str, scope: str | None) -> None:
    """An address that is not registered is never redirected to; the page names the code."""
    app = entra.add_web_app(redirect_uris=(REDIRECT, "http://localhost/auth"))
    for mode in ("query", "form_post"):
        page = start(entra, app, redirect_uri=address, scope=scope, prompt="none", response_mode=mode)
        assert page.status_code == 400
        assert "Location" not in page.headers
        assert "AADSTS50011" in page.text
        assert "<form" not in page.text


EXECUTABLE = ["javascript:alert(1)", "JavaScript:alert(1)", " java\tscript:alert(1)", "data:text/html,x"]


@pytest.mark.parametrize("address", EXECUTABLE)
def test_an_executable_address_is_none(entra: Entra, address: str) -> None:
    """It cannot be registered; if it has been by other means, nobody is sent there, not even when signing out."""
    with pytest.raises(ValueError, match="a browser would run it"):
        entra.add_web_app(redirect_uris=(address,))
    app = entra.add_web_app()
    object.__setattr__(app, "redirect_uris", (address,))
    page = start(entra, app, redirect_uri=address, response_mode="form_post", prompt="none")
    assert "AADSTS50011" in page.text
    query = {"post_logout_redirect_uri": address}
    signed_out = entra.client.get("/common/oauth2/v2.0/logout", base_url=AUTHORITY, query_string=query)
    assert (signed_out.status_code, "Location" in signed_out.headers) == (200, False)


@pytest.mark.parametrize("endpoint", ["authorize", "logout"])
@pytest.mark.parametrize("version", ["oauth2/v2.0", "oauth2"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_parameter_comes_once(entra: Entra, endpoint: str, version: str, method: str) -> None:
    """In the query and in the form; a page says so."""
    twice = {"client_id": entra.add_web_app().client_id, "prompt": ["none", "login"]}
    sent: dict[str, Any] = {"data": twice} if method == "POST" else {"query_string": twice}
    page = entra.client.open(f"/common/{version}/{endpoint}", base_url=AUTHORITY, method=method, **sent)
    assert page.status_code == 400
    assert "AADSTS9000411" in page.text
    assert "prompt" in page.text
    assert entra.emulators.journal.requests()[-1].error == "AADSTS9000411"


def test_forms_stay_here(entra: Entra) -> None:
    """A path with two slashes, which the service forgives, does not send the password to another host."""
    query = urlencode({"client_id": entra.add_web_app().client_id, "response_type": "code", "scope": "openid"})
    page = entra.client.get(f"{PAGE}?{query}", base_url=AUTHORITY, environ_overrides={"PATH_INFO": f"/{PAGE}"})
    assert f'action="{PAGE}?' in page.text


@pytest.mark.parametrize("parameter", ["state", "login_hint", "scope", "client_id", "redirect_uri", "domain_hint"])
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_values_are_escaped(entra: Entra, parameter: str, mode: str) -> None:
    """No parameter becomes markup, on a page or on the way back."""
    app = entra.add_web_app()
    for prompt in ("select_account", "none"):
        page = start(entra, app, **{"response_mode": mode, "prompt": prompt, parameter: SCRIPT})
        assert "<script>alert" not in page.text


def test_names_are_escaped(entra: Entra) -> None:
    """Nor does a name in the directory, on any page."""
    app = entra.add_web_app(f"shop{SCRIPT}", permission_grants=())
    user = entra.emulators.directory.replace(entra.add_user(), name=f"Ada{SCRIPT}", mfa=Mfa.ENFORCED)
    page = start(entra, app)
    steps: list[dict[str, Any]] = [
        {"username": user.principal_name},
        {"password": "pw"},
        {"answer": "approve"},
        {"answer": "no"},
    ]
    for fields in steps:
        assert "<script" not in page.text
        page = submit(entra, page, **fields)
    assert "&lt;script&gt;" in page.text
    assert "<script" not in page.text


def test_headers(entra: Entra) -> None:
    """Pages are neither framed nor stored, load nothing, and keep their cookies from scripts."""
    page = sign_in(entra, start(entra, entra.add_web_app()))
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in page.headers["Cache-Control"]
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("form-action 'self' http: https:")
    assert "unsafe" not in policy
    [cookie] = page.headers.getlist("Set-Cookie")
    assert {"Secure", "HttpOnly", "SameSite=None"} <= set(cookie.split("; "))
    assert '<html lang="en">' in page.text
    assert entra.user.password not in page.text


def test_a_device(entra: Entra) -> None:
    """The code is typed in, the person is asked whether they mean the app; a code that has expired is refused."""
    page = entra.client.get("/common/oauth2/deviceauth", base_url=AUTHORITY)
    code = entra.emulators.authority.context.device_codes.start(
        client_id=identifiers.AZURE_CLI_CLIENT_ID, tenant="organizations", scope=f"{GRAPH}/.default"
    )
    asked = sign_in(entra, submit(entra, page, otc=code.user_code.lower()))
    assert "Are you trying to sign in to Microsoft Azure CLI?" in asked.text
    entra.emulators.clock.advance(minutes=15)
    assert "AADSTS70019" in submit(entra, asked, answer="continue").text
    assert "AADSTS70018" in submit(entra, page, otc=SCRIPT).text
    assert "<script" not in submit(entra, page, otc=SCRIPT).text
