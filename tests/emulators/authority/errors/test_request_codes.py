"""Every code of the catalogue that is about a request, from the request or the state of the directory behind it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from support.entra import (
    AUTHORITY,
    CHALLENGE,
    DEVICE_CODE_GRANT,
    GRAPH,
    OBO_GRANT,
    REDIRECT,
    SECRET,
    VAULT,
    Entra,
    code_of,
)
from support.pages import start

from azcred_emulators.authority.errors.aadsts import SCRIPTED_ONLY
from azcred_emulators.authority.errors.request_codes import REQUESTS
from azcred_emulators.authority.grants import client_assertions
from azcred_emulators.directory import Application, ClientSecret, FederatedCredential, Tenant, TrustedSubject, contoso
from azcred_emulators.directory.entities import TOKEN_EXCHANGE_AUDIENCE
from azcred_emulators.tokens.keys import SigningKey

Cause = Callable[[Entra], Any]
PIPELINES = "https://token.actions.githubusercontent.com"
SUBJECT = "repo:contoso/shop:ref:refs/heads/main"
FABRIKAM = Tenant("88888888-8888-4888-8888-888888888888", ("fabrikam.com",))
PKCE: dict[str, Any] = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def app_only(entra: Entra, app: Application | None = None, /, tenant: str = contoso.TENANT.id, **changes: Any) -> Any:
    """Ask for an app's own token."""
    form = {
        "grant_type": "client_credentials",
        "client_id": (app or entra.add_web_app()).client_id,
        "client_secret": SECRET,
        "scope": f"{VAULT}/.default",
    }
    return entra.post({**form, **changes}, tenant=tenant)


def asserted(entra: Entra, app: Application, assertion: str) -> Any:
    """Ask for an app's own token with an assertion."""
    return app_only(
        entra, app, client_secret=None, client_assertion=assertion, client_assertion_type=client_assertions.TYPE
    )


def certified(entra: Entra, key: SigningKey, header: dict[str, Any] | None = None, **claims: Any) -> Any:
    """Ask with an assertion by the key, whose certificate is registered for the app."""
    app, now = entra.add_web_app(certificates=(CERTIFIED.certificate,)), int(entra.emulators.clock.now())
    given = {
        "aud": f"{AUTHORITY}/{contoso.TENANT.id}/oauth2/v2.0/token",
        "iss": app.client_id,
        "sub": app.client_id,
        "exp": now + 600,
        **claims,
    }
    return asserted(entra, app, key.sign(given, header=header or {"x5t": CERTIFIED.id}))


CERTIFIED = SigningKey("shop")


def federated(entra: Entra, subject: str = SUBJECT, **changes: Any) -> Any:
    """Ask with an assertion by a pipeline that the app trusts."""
    app = entra.add_web_app(federated_credentials=(FederatedCredential(PIPELINES, SUBJECT),))
    return asserted(entra, app, entra.emulators.issuers.get(PIPELINES).assertion(subject, **changes))


def on_behalf(entra: Entra, assertion: str) -> Any:
    """Exchange a user's token as an API does."""
    api = entra.add_api()
    form = {"grant_type": OBO_GRANT, "requested_token_use": "on_behalf_of", "client_id": api.client_id}
    return entra.post({**form, "client_secret": SECRET, "assertion": assertion, "scope": f"{GRAPH}/User.Read"})


def polled(entra: Entra, device_code: str = "", **later: float) -> Any:
    """Poll for a device code some time later, at which nobody has typed it in."""
    started = entra.post({"client_id": entra.cli.client_id, "scope": "openid"}, path="oauth2/v2.0/devicecode")
    if later:
        entra.emulators.clock.advance(**later)
    device_code = device_code or started.get_json()["device_code"]
    return entra.post({"grant_type": DEVICE_CODE_GRANT, "client_id": entra.cli.client_id, "device_code": device_code})


def redeemed(entra: Entra, *, app: dict[str, Any] | None = None, later: timedelta = timedelta(), **changes: Any) -> Any:
    """Redeem the code of a user who has signed in, otherwise than right."""
    shop = entra.add_web_app(**app or {})
    code = entra.authorize(shop, **changes.pop("asked", {}))["code"]
    entra.emulators.clock.advance(seconds=later.total_seconds())
    return entra.redeem(shop, code, **changes)


def spa(entra: Entra, **changes: Any) -> Any:
    """Redeem the code of a single-page app's user."""
    registered = {"secrets": (), "redirect_uris": (), "spa_redirect_uris": (REDIRECT,)}
    return redeemed(entra, app=registered, asked=PKCE, client_secret=None, code_verifier="v" * 64, **changes)


def twice(entra: Entra) -> Any:
    """Redeem a code that was redeemed."""
    shop = entra.add_web_app()
    code = entra.authorize(shop)["code"]
    entra.redeem(shop, code)
    return entra.redeem(shop, code)


def looped(entra: Entra) -> Any:
    """Ask for the same again and again, in vain once that was too often."""
    shop = entra.add_web_app(maximum_repetitions=3)
    for _ in range(3):
        assert app_only(entra, shop).status_code == 200
    assert app_only(entra, shop, scope=f"{GRAPH}/.default").status_code == 200, "something else"
    return app_only(entra, shop)


def single_page_app_after_a_day(entra: Entra) -> Any:
    """Use a refresh token for longer than such apps may."""
    registered = entra.add_web_app(secrets=(), redirect_uris=(), spa_redirect_uris=(REDIRECT,))
    origin = {"Origin": "https://shop.contoso.com"}
    code = entra.authorize(registered, **PKCE)["code"]
    tokens = entra.redeem(registered, code, headers=origin, client_secret=None, code_verifier="v" * 64).get_json()
    entra.emulators.clock.advance(days=1)
    return entra.refresh(registered, tokens["refresh_token"], headers=origin, client_secret=None)


def inactive(entra: Entra) -> Any:
    """Use a refresh token after three months."""
    shop = entra.add_web_app()
    token = entra.sign_in(shop)["refresh_token"]
    entra.emulators.clock.advance(days=90)
    return entra.refresh(shop, token)


def other_name_by_the_trusted_authority(entra: Entra) -> Any:
    """Send a sound certificate that is not for the name that the app trusts."""
    root = SigningKey("Contoso Root")
    leaf = SigningKey("other.contoso.com", issued_by=root)
    app = entra.add_web_app(trusted_subjects=(TrustedSubject("shop.contoso.com", root.certificate),))
    claims = {"aud": "", "iss": app.client_id, "sub": app.client_id, "exp": int(entra.emulators.clock.now()) + 600}
    return asserted(entra, app, leaf.sign(claims, header={"x5t": leaf.id, "x5c": leaf.x5c()}))


def unreachable_issuer(entra: Entra) -> Any:
    """Trust an issuer whose keys cannot be had."""
    app = entra.add_web_app(federated_credentials=(FederatedCredential("https://nowhere.example", SUBJECT),))
    stranger = entra.emulators.issuers.get(PIPELINES)
    return asserted(entra, app, stranger.assertion(SUBJECT, issuer="https://nowhere.example"))


def users_token_as_assertion(entra: Entra) -> Any:
    """Trust Entra ID itself as an issuer, and send the token of a user."""
    own = f"{AUTHORITY}/{contoso.TENANT.id}/v2.0"
    app = entra.add_web_app(federated_credentials=(FederatedCredential(own, "s"),))
    claims = {"ver": "2.0", "aud": TOKEN_EXCHANGE_AUDIENCE, "sub": "s", "scp": "x"}
    return asserted(entra, app, entra.emulators.tokens.mint(claims).value)


def forged_assertion(entra: Entra) -> Any:
    """Sign in the name of a trusted issuer with another key."""
    app = entra.add_web_app(federated_credentials=(FederatedCredential(PIPELINES, SUBJECT),))
    entra.emulators.issuers.get(PIPELINES)
    stranger = entra.emulators.issuers.get("https://stranger.example")
    return asserted(entra, app, stranger.assertion(SUBJECT, issuer=PIPELINES))


def in_fabrikam(entra: Entra, **app: Any) -> Any:
    """Ask for an app's own token in another tenant than its own."""
    entra.emulators.directory.add(FABRIKAM)
    return app_only(entra, entra.add_web_app(**app), tenant=FABRIKAM.id)


def redeemed_in_fabrikam(entra: Entra) -> Any:
    """Redeem a code in another tenant than it is of."""
    entra.emulators.directory.add(FABRIKAM)
    return redeemed(entra, app={"multi_tenant": True}, tenant=FABRIKAM.id)


def disabled_resource(entra: Entra) -> Any:
    """Ask for a token to an API that is switched off."""
    entra.add_api(enabled=False)
    return app_only(entra, scope="api://orders/.default")


def unknown_scope(entra: Entra) -> Any:
    """Ask for a scope that the API does not have."""
    entra.add_api()
    return entra.authorize(entra.add_web_app(), scope="api://orders/Orders.Burn")


def instance_discovery(entra: Entra) -> Any:
    """Ask whether some host is a token service."""
    query = {"authorization_endpoint": "https://login.example/common/oauth2/v2.0/authorize", "api-version": "1.1"}
    return entra.client.get("/common/discovery/instance", base_url=AUTHORITY, query_string=query)


def minted(entra: Entra, **claims: Any) -> str:
    """Return a token of a user for the API that exchanges it."""
    given = {"aud": "api://orders", "scp": "Orders.Read", "oid": entra.user.object_id, **claims}
    return entra.emulators.tokens.mint(given).value


EXPIRED = (ClientSecret(SECRET, expires=0.0),)
ELSEWHERE = "https://shop.contoso.com/elsewhere"

CAUSES: dict[int, Cause] = {
    50001: disabled_resource,
    50006: lambda entra: entra.redeem_assertion(upn="grace@fabrikam.com", key=CERTIFIED),
    50008: lambda entra: entra.redeem_assertion(upn="grace@fabrikam.com", now=1.0),
    50011: lambda entra: lambda: entra.authorize(entra.add_web_app(), redirect_uri=ELSEWHERE),
    50012: forged_assertion,
    50013: lambda entra: on_behalf(entra, minted(entra, aud=GRAPH)),
    50027: lambda entra: on_behalf(entra, "nonsense"),
    50049: instance_discovery,
    50059: lambda entra: app_only(entra, tenant="common"),
    50107: lambda entra: entra.redeem_assertion(upn="grace@fabrikam.com", issuer="urn:elsewhere"),
    50128: lambda entra: entra.password(entra.user, username="ada@nowhere.example", tenant="organizations"),
    50194: lambda entra: redeemed(entra, tenant="organizations"),
    50196: looped,
    54005: twice,
    70000: lambda entra: entra.refresh(entra.add_web_app(), "nonsense"),
    70003: lambda entra: app_only(entra, grant_type="nonsense"),
    70005: lambda entra: entra.authorize(entra.add_web_app(), response_type="nonsense"),
    70007: lambda entra: entra.authorize(
        entra.add_web_app(id_token_issuance=True), response_type="id_token", response_mode="query"
    ),
    70008: lambda entra: redeemed(entra, later=timedelta(minutes=10)),
    70011: lambda entra: app_only(entra, scope="$"),
    70016: polled,
    70018: lambda entra: polled(entra, "nonsense"),
    70019: lambda entra: polled(entra, minutes=15),
    90002: lambda entra: app_only(entra, tenant=FABRIKAM.id),
    90014: lambda entra: app_only(entra, scope=None),
    90019: lambda entra: entra.client.post("/oauth2/v2.0/token", base_url=AUTHORITY),
    90023: lambda entra: entra.authorize(entra.add_web_app(), response_mode="nonsense"),
    500011: lambda entra: app_only(entra, scope="https://nowhere.example/.default"),
    500112: lambda entra: redeemed(entra, redirect_uri=ELSEWHERE),
    500133: lambda entra: on_behalf(entra, minted(entra, exp=1)),
    501481: lambda entra: redeemed(entra, asked=PKCE, code_verifier="w" * 64),
    501661: unreachable_issuer,
    650053: unknown_scope,
    9000411: lambda entra: app_only(entra, client_id=[contoso.TENANT.id, contoso.TENANT.id]),
    650057: lambda entra: entra.authorize(entra.add_web_app(required_resource_access=(VAULT,))),
    700005: redeemed_in_fabrikam,
    700016: lambda entra: app_only(entra, client_id=FABRIKAM.id),
    700021: lambda entra: certified(entra, CERTIFIED, iss=FABRIKAM.id, sub=FABRIKAM.id),
    700022: lambda entra: app_only(entra, scope=f"{VAULT}/.default {GRAPH}/.default"),
    700023: lambda entra: certified(entra, CERTIFIED, aud="https://nowhere.example"),
    700024: lambda entra: certified(entra, CERTIFIED, exp=1),
    700025: lambda entra: entra.password(entra.user, client_secret="pointless"),
    700027: lambda entra: certified(entra, SigningKey("other")),
    700030: other_name_by_the_trusted_authority,
    700051: lambda entra: entra.authorize(entra.add_web_app(), response_type="token"),
    700054: lambda entra: entra.authorize(entra.add_web_app(), response_type="id_token"),
    700082: inactive,
    700084: single_page_app_after_a_day,
    700211: lambda entra: federated(entra, issuer="https://stranger.example"),
    700212: lambda entra: federated(entra, audience="api://elsewhere"),
    700213: lambda entra: federated(entra, "repo:contoso/other"),
    700229: users_token_as_assertion,
    900023: lambda entra: app_only(entra, tenant="nonsense"),
    900144: lambda entra: app_only(entra, client_id=None),
    900561: lambda entra: entra.client.get(f"/{contoso.TENANT.id}/oauth2/v2.0/token", base_url=AUTHORITY),
    901002: lambda entra: app_only(entra, resource=VAULT),
    1002012: lambda entra: app_only(entra, scope=f"{VAULT}/user_impersonation"),
    7000112: lambda entra: app_only(entra, entra.add_web_app(enabled=False)),
    7000114: lambda entra: on_behalf(entra, minted(entra, scp=None)),
    7000215: lambda entra: app_only(entra, client_secret="wrong"),
    7000216: lambda entra: app_only(entra, client_secret=None),
    7000218: lambda entra: redeemed(entra, client_secret=None),
    7000222: lambda entra: app_only(entra, entra.add_web_app(secrets=EXPIRED)),
    7000229: lambda entra: in_fabrikam(entra, multi_tenant=True),
    7002138: lambda entra: federated(entra, SUBJECT.upper()),
    9001023: lambda entra: entra.password(entra.user, tenant="common"),
    9002313: lambda entra: app_only(entra, claims="nonsense"),
    9002325: lambda entra: entra.authorize(entra.add_web_app(redirect_uris=(), spa_redirect_uris=(REDIRECT,))),
    9002326: lambda entra: redeemed(entra, headers={"Origin": "https://shop.contoso.com"}),
    9002327: spa,
}
CODES = [entry.code for entry in REQUESTS if entry.code not in SCRIPTED_ONLY]


@pytest.mark.parametrize("code", CODES)
def test_a_request_or_its_state_causes_the_code(entra: Entra, code: int) -> None:
    """The code and no other."""
    assert code_of(CAUSES[code](entra)) == code


def test_each_code_has_one_cause_here() -> None:
    """None of the causes is for a code that the catalogue does not have, or has for scripts only."""
    assert sorted(CAUSES) == sorted(CODES)


def test_a_browser_without_a_tenant_is_shown_so(entra: Entra) -> None:
    """On the error page; and a page where someone types a name without a domain asks for a better one."""
    page = entra.client.get("/oauth2/v2.0/authorize", base_url=AUTHORITY)
    assert page.content_type == "text/html; charset=utf-8"
    assert code_of(page) == 90019
    assert code_of(entra.password(entra.user, username="ada", tenant="organizations")) == 50059
    assert "Pick an account" in start(entra, entra.add_web_app()).text


def test_a_loop_ends_with_time(entra: Entra) -> None:
    """What counts is how often within five minutes; a device that polls is no loop."""
    looped(entra)
    entra.emulators.clock.advance(minutes=5)
    shop = next(one for one in entra.emulators.directory.applications() if one.name == "shop")
    assert app_only(entra, shop).status_code == 200
    entra.emulators.directory.replace(entra.cli, maximum_repetitions=1)
    assert [code_of(polled(entra)) for _ in range(3)] == [70016] * 3
