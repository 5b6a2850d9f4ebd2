"""People who sign in to web apps that answer in process: the apps' own libraries and test clients, unmodified."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msal
import pytest
from support.entra import AUTHORITY, GRAPH, SECRET, Entra

from azcred_emulators.directory import Application, Mfa, contoso
from pytest_azcred import AuthorizationResponse, SignInError
from pytest_azcred.azcred import Azcred

TENANT = f"{AUTHORITY}/{contoso.TENANT.id}"
METADATA = f"{TENANT}/v2.0/.well-known/openid-configuration"
REDIRECT = "http://localhost/auth"


@pytest.fixture
def shop(entra: Entra) -> Application:
    """A web app whose users have not consented to anything yet."""
    return entra.add_web_app(redirect_uris=(REDIRECT,), permission_grants=())


def flask_app(shop: Application, response_mode: str = "form_post") -> Any:
    """Return a Flask app with msal's authorization code flow."""
    flask = pytest.importorskip("flask")
    app = flask.Flask("shop")
    app.secret_key = "a session's"
    client = msal.ConfidentialClientApplication(shop.client_id, client_credential=SECRET, authority=TENANT)

    def login() -> Any:
        flow = client.initiate_auth_code_flow(
            [f"{GRAPH}/User.Read"], redirect_uri=REDIRECT, response_mode=response_mode
        )
        flask.session["flow"] = flow
        return flask.redirect(flow["auth_uri"])

    def auth() -> Any:
        result = client.acquire_token_by_auth_code_flow(flask.session.pop("flow"), flask.request.values.to_dict())
        claims = result.get("id_token_claims", {})
        return claims.get("name") or (result["error_description"], 403)

    app.add_url_rule("/login", view_func=login)
    app.add_url_rule("/auth", view_func=auth, methods=["GET", "POST"])
    return app


def come_back(browser: Any, back: AuthorizationResponse) -> Any:
    """Return the page that the app answers with."""
    return browser.open(back.url, method=back.method, data=back.data)


@pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning")  # by msal
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_flask_and_msal(azcred: Azcred, entra: Entra, shop: Application, mode: str) -> None:
    """The directory's user signs in and consents; the app redeems the code that comes back."""
    browser = flask_app(shop, response_mode=mode).test_client()
    back = azcred.sign_in(browser.get("/login").location)
    assert back.method == ("POST" if mode == "form_post" else "GET")
    assert (back.url == REDIRECT) == (mode == "form_post")
    assert come_back(browser, back).text == entra.user.name
    azcred.journal.assert_requests(operation="authorize", client_id=shop.client_id)
    azcred.journal.assert_tokens(grant="authorization_code", identity=entra.user.principal_name, times=1)


def test_a_chosen_user(azcred: Azcred, entra: Entra, shop: Application) -> None:
    """By principal name, object id or as the directory has them; the second factor is approved."""
    ada = entra.add_user("ada", mfa=Mfa.ENFORCED)
    for user in (ada, "ada@contoso.com", ada.object_id):
        browser = flask_app(shop).test_client()
        back = azcred.sign_in(browser.get("/login").location, user)
        assert come_back(browser, back).text == "Ada"


@pytest.mark.parametrize(("mfa", "consent", "code"), [(False, True, "AADSTS50074"), (True, False, "AADSTS65004")])
def test_a_person_who_refuses(
    azcred: Azcred, entra: Entra, shop: Application, mfa: bool, consent: bool, code: str
) -> None:
    """The app is told, as Entra ID tells it, and gets no token."""
    browser = flask_app(shop).test_client()
    back = azcred.sign_in(
        browser.get("/login").location, entra.add_user("ada", mfa=Mfa.ENFORCED), mfa=mfa, consent=consent
    )
    assert back.parameters["error"] == "access_denied"
    page = come_back(browser, back)
    assert page.status_code == 403
    assert code in page.text
    azcred.journal.assert_tokens(times=0)


def test_an_error_page(azcred: Azcred, entra: Entra, shop: Application) -> None:
    """It is raised with its code and sentence, and with what the app gets from a person who gives up."""
    browser = flask_app(shop).test_client()
    with pytest.raises(SignInError, match=r"azcred: nobody could sign in: AADSTS50126: .*password") as failure:
        azcred.sign_in(browser.get("/login").location, password="wrong")
    assert failure.value.code == "AADSTS50126"
    assert failure.value.response is not None
    assert "AADSTS65004" in come_back(browser, failure.value.response).text


def test_an_error_page_without_a_way_back(azcred: Azcred, shop: Application) -> None:
    """An address that is not registered is not trusted."""
    browser = flask_app(shop).test_client()
    address = browser.get("/login").location.replace("localhost%2Fauth", "localhost%2Felsewhere")
    with pytest.raises(SignInError) as failure:
        azcred.sign_in(address)
    assert failure.value.code == "AADSTS50011"
    assert failure.value.response is None


def test_a_user_who_is_blocked(azcred: Azcred, entra: Entra, shop: Application) -> None:
    """The page names the state of the account."""
    azcred.directory.replace(entra.user, enabled=False)
    with pytest.raises(SignInError, match="AADSTS50057"):
        azcred.sign_in(flask_app(shop).test_client().get("/login").location)


@pytest.mark.parametrize(
    "url",
    [
        "/login",
        "http://localhost/auth?code=1",
        "https://login.contoso.com/common/oauth2/v2.0/authorize?client_id=1",
        f"{TENANT}/oauth2/v2.0/token",
        f"{AUTHORITY}/authorize",
        "http://login.microsoftonline.com/common/oauth2/v2.0/authorize",
    ],
)
def test_another_url_is_refused(azcred: Azcred, url: str) -> None:
    """Nothing is fetched; the sentence has the URL and what one looks like."""
    with pytest.raises(ValueError, match=f"not '{re.escape(url)}'"):
        azcred.sign_in(url)
    assert azcred.journal.requests() == []


def test_an_unknown_user(azcred: Azcred, entra: Entra) -> None:
    """The nearest one is named, or all are."""
    entra.add_user("ada")
    url = f"{TENANT}/oauth2/v2.0/authorize?client_id=1"
    with pytest.raises(LookupError, match=r"no user 'adah@contoso.com'; did you mean 'ada@contoso.com'"):
        azcred.sign_in(url, "adah@contoso.com")
    with pytest.raises(LookupError, match=f"no user 'x'; there are {entra.user.principal_name}, ada@contoso.com"):
        azcred.sign_in(url, "x")


@pytest.mark.parametrize("mode", ["query", "fragment"])
def test_no_redirect_uri_and_other_modes(azcred: Azcred, shop: Application, mode: str) -> None:
    """The first registered address is where the answer goes, in the part of the URL that the app asked for."""
    query = f"client_id={shop.client_id}&response_type=code&scope=openid&state=a%26b&response_mode={mode}"
    back = azcred.sign_in(f"{TENANT}/oauth2/v2.0/authorize?{query}")
    assert back.url.startswith(REDIRECT + ("#" if mode == "fragment" else "?"))
    assert back.parameters["state"] == "a&b"
    assert back.parameters["code"]


@pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended:UserWarning")
def test_flask_and_identity(azcred: Azcred, entra: Entra, shop: Application) -> None:
    """Microsoft's `identity` answers with a page that sends the browser on."""
    flask = pytest.importorskip("flask")
    identity = pytest.importorskip("identity.flask")
    cachelib = pytest.importorskip("cachelib")  # which Flask-Session brings, and that comes with `identity`
    app = flask.Flask("shop")
    app.config.update(SECRET_KEY="a session's", SESSION_TYPE="cachelib", SESSION_CACHELIB=cachelib.SimpleCache())
    auth = identity.Auth(
        app, client_id=shop.client_id, client_credential=SECRET, authority=TENANT, redirect_uri=REDIRECT
    )

    def index(*, context: Any) -> str:
        return str(context["user"]["name"])

    app.add_url_rule("/", view_func=auth.login_required(index))
    browser = app.test_client()
    [link] = re.findall(r"URL=(https://login[^']+)'", browser.get("/").text)
    back = azcred.sign_in(link.replace("&amp;", "&"))
    assert browser.get(back.url, follow_redirects=True).text == entra.user.name


def test_flask_and_authlib(azcred: Azcred, entra: Entra, shop: Application) -> None:
    """authlib reads the metadata, uses PKCE, and checks the id token with the published keys."""
    flask = pytest.importorskip("flask")
    integration = pytest.importorskip("authlib.integrations.flask_client")
    app = flask.Flask("shop")
    app.secret_key = "a session's"
    entra_id = integration.OAuth(app).register(
        "entra",
        client_id=shop.client_id,
        client_secret=SECRET,
        server_metadata_url=METADATA,
        client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
    )
    app.add_url_rule("/login", view_func=lambda: entra_id.authorize_redirect(REDIRECT), endpoint="login")
    app.add_url_rule("/auth", view_func=lambda: entra_id.authorize_access_token()["userinfo"]["name"], endpoint="auth")
    browser = app.test_client()
    assert browser.get(azcred.sign_in(browser.get("/login").location).url).text == entra.user.name


def starlette_app(shop: Application, framework: str) -> Any:
    """Return a FastAPI or Starlette app with authlib."""
    pytest.importorskip("itsdangerous")
    integration = pytest.importorskip("authlib.integrations.starlette_client")
    from starlette.middleware.sessions import SessionMiddleware
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse

    entra_id = integration.OAuth().register(
        "entra",
        client_id=shop.client_id,
        client_secret=SECRET,
        server_metadata_url=METADATA,
        client_kwargs={"scope": "openid profile email"},
    )

    async def login(request: Request) -> Any:
        return await entra_id.authorize_redirect(request, REDIRECT)

    async def auth(request: Request) -> Any:
        token = await entra_id.authorize_access_token(request)
        return PlainTextResponse(token["userinfo"]["name"])

    if framework == "fastapi":
        app: Any = pytest.importorskip("fastapi").FastAPI()
        app.get("/login")(login)
        app.get("/auth")(auth)
    else:
        from starlette.applications import Starlette
        from starlette.routing import Route

        app = Starlette(routes=[Route("/login", login), Route("/auth", auth)])
    app.add_middleware(SessionMiddleware, secret_key="a session's")
    return app


@pytest.mark.parametrize("framework", ["fastapi", "starlette"])
def test_asgi_apps_and_authlib(azcred: Azcred, entra: Entra, shop: Application, framework: str) -> None:
    """Starlette's test client, which is FastAPI's too."""
    pytest.importorskip("starlette")
    from starlette.testclient import TestClient

    with TestClient(starlette_app(shop, framework), base_url="http://localhost") as browser:
        login = browser.get("/login", follow_redirects=False)
        assert browser.get(azcred.sign_in(login.headers["location"]).url).text == entra.user.name


@pytest.mark.asyncio
async def test_in_a_coroutine(azcred: Azcred, entra: Entra, shop: Application) -> None:
    """An asynchronous client of an ASGI app; httpx's own URLs will do."""
    httpx = pytest.importorskip("httpx")
    transport = httpx.ASGITransport(starlette_app(shop, "starlette"))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser:
        login = await browser.get("/login")
        back = azcred.sign_in(login.next_request.url)
        assert (await browser.get(back.url)).text == entra.user.name


DJANGO = """
import django, msal, pytest_azcred
from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from azcred_emulators.directory import Application, ClientSecret, contoso

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="a session's",
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
django.setup()
from django.test import Client

AUTHORITY = f"https://login.microsoftonline.com/{contoso.TENANT.id}"
SHOP = Application(
    name="shop",
    tenant_id=contoso.TENANT.id,
    secrets=(ClientSecret("s3cret"),),
    redirect_uris=("http://testserver/auth",),
)

def app():
    return msal.ConfidentialClientApplication(SHOP.client_id, client_credential="s3cret", authority=AUTHORITY)

def login(request):
    request.session["flow"] = app().initiate_auth_code_flow(
        ["User.Read"], redirect_uri="http://testserver/auth", response_mode=request.GET["mode"]
    )
    return HttpResponseRedirect(request.session["flow"]["auth_uri"])

@csrf_exempt
def auth(request):
    answer = (request.POST or request.GET).dict()
    result = app().acquire_token_by_auth_code_flow(request.session["flow"], answer)
    return HttpResponse(result["id_token_claims"]["name"])

urlpatterns = [path("login", login), path("auth", auth)]

with pytest_azcred.environment() as azcred:
    azcred.directory.add(SHOP)
    browser = Client()
    back = azcred.sign_in(browser.get("/login?mode=query").url)
    print(browser.get(back.url).content.decode())
    back = azcred.sign_in(browser.get("/login?mode=form_post").url)
    print(browser.post(back.url, back.data).content.decode())
    azcred.journal.assert_tokens(grant="authorization_code", times=2)
"""


def test_django_and_msal(entra: Entra, tmp_path: Path) -> None:
    """Django's test client, in a process of its own, since Django is set up once in each; without pytest."""
    pytest.importorskip("django")
    (tmp_path / "shop.py").write_text(DJANGO)
    result = subprocess.run(
        [sys.executable, "shop.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split("\n") == [entra.user.name, entra.user.name, ""]
