"""People who sign in on the pages: msal and azure-identity, unmodified, with the fixtures in the person's place."""

import webbrowser
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import AuthorizationCodeCredential, DeviceCodeCredential, InteractiveBrowserCredential
from support.entra import SECRET, VAULT, Entra, claims_of
from support.shop import Shop

from azcred_emulators.directory import Mfa, contoso
from pytest_azcred.azcred import Azcred
from pytest_azcred.browser import FakeBrowser, Person, Visit

ORGANIZATIONS = "https://login.microsoftonline.com/organizations"
SCOPE = f"{VAULT}/.default"
Login = Callable[..., None]


@pytest.fixture
def app(entra: Entra) -> Any:
    """A desktop app of msal's."""
    return msal.PublicClientApplication(entra.cli.client_id, authority=ORGANIZATIONS)


@pytest.fixture
def credential(azcred: Azcred) -> Iterator[InteractiveBrowserCredential]:
    """azure-identity's, as an app makes it."""
    with InteractiveBrowserCredential(timeout=20) as credential:
        yield credential


def test_msal_signs_in(entra: Entra, fake_browser: FakeBrowser, app: Any) -> None:
    """The directory's first user, without a word said; the window's URL is known, its secrets are not."""
    result = app.acquire_token_interactive([SCOPE], timeout=20)
    assert fake_browser.problems == []
    assert claims_of(result["access_token"])["oid"] == entra.user.object_id
    assert app.get_accounts()[0]["username"] == entra.user.principal_name
    [opened] = fake_browser.opened
    assert opened.startswith(f"{ORGANIZATIONS}/oauth2/v2.0/authorize?")
    parameters = dict(parse_qsl(opened.partition("?")[2]))
    assert parameters["client_id"] == entra.cli.client_id
    assert {parameters[name] for name in ("state", "nonce", "code_challenge")} == {"..."}


def test_msal_is_refused_when_the_person_cancels(fake_browser: FakeBrowser, app: Any) -> None:
    """As Entra ID tells it."""
    fake_browser.cancel()
    result = app.acquire_token_interactive([SCOPE], timeout=20)
    assert result["error"] == "access_denied"
    assert "AADSTS65004" in result["error_description"]


def test_azure_identity_signs_in(entra: Entra, fake_browser: FakeBrowser, credential: Any) -> None:
    """A chosen user, who has a second factor."""
    user = entra.add_user("ada", mfa=Mfa.ENFORCED)
    fake_browser.sign_in(user)
    assert claims_of(credential.get_token(SCOPE).token)["oid"] == user.object_id
    assert claims_of(credential.get_token(SCOPE).token)["amr"] == ["pwd", "mfa"]
    assert len(fake_browser.opened) == 1


def test_azure_identity_is_refused_when_the_person_cancels(fake_browser: FakeBrowser, credential: Any) -> None:
    """The credential says so."""
    fake_browser.cancel()
    with pytest.raises(ClientAuthenticationError, match="65004"):
        credential.get_token(SCOPE)


def test_a_person_who_denies_the_second_factor(entra: Entra, fake_browser: FakeBrowser, credential: Any) -> None:
    """It is not cancelling: they have not passed the challenge."""
    fake_browser.sign_in(entra.add_user("ada", mfa=Mfa.ENFORCED), mfa=False)
    with pytest.raises(ClientAuthenticationError, match="AADSTS50074"):
        credential.get_token(SCOPE)


def test_a_wrong_password(entra: Entra, fake_browser: FakeBrowser, credential: Any) -> None:
    """The page complains, the person gives up, and the app learns that much."""
    fake_browser.sign_in(entra.user, password="wrong")
    with pytest.raises(ClientAuthenticationError, match="65004"):
        credential.get_token(SCOPE)
    fake_browser.wait()
    [problem] = fake_browser.problems
    assert "AADSTS50126" in problem


def test_a_person_who_does_nothing(fake_browser: FakeBrowser) -> None:
    """The credential's own patience ends."""
    fake_browser.ignore()
    with (
        InteractiveBrowserCredential(timeout=0.01) as credential,
        pytest.raises(ClientAuthenticationError, match="Timed out"),
    ):
        credential.get_token(SCOPE)
    assert len(fake_browser.opened) == 1


def test_msal_gives_up_on_a_person_who_does_nothing(fake_browser: FakeBrowser, app: Any) -> None:
    """After as many seconds as the app allows, which are real ones; nothing was asked for a token."""
    fake_browser.ignore()
    with pytest.raises(msal.oauth2cli.oauth2.BrowserInteractionTimeoutError):
        app.acquire_token_interactive([SCOPE], timeout=0.01)
    assert len(fake_browser.opened) == 1


def test_browsers_however_they_are_opened(fake_browser: FakeBrowser) -> None:
    """Every way of Python's leads to the fixture, and none to a real browser."""
    fake_browser.ignore()
    ways: list[Callable[[str], bool]] = [
        webbrowser.open,
        webbrowser.open_new,
        webbrowser.open_new_tab,
        webbrowser.get().open,
        webbrowser.get("firefox").open_new_tab,
    ]
    assert all(way("https://docs.contoso.com/") for way in ways)
    assert fake_browser.opened == ["https://docs.contoso.com/"] * len(ways)


def test_everything_is_put_back(pytester: pytest.Pytester) -> None:
    """No function of `webbrowser` stays replaced, no thread stays."""
    pytester.makepyfile(
        """
        import threading, webbrowser
        from azure.identity import InteractiveBrowserCredential
        before = dict(vars(webbrowser))

        def test_signing_in(fake_browser):
            assert webbrowser.open != before["open"]
            with InteractiveBrowserCredential(timeout=20) as credential:
                credential.get_token("https://vault.azure.net/.default")

        def test_afterwards():
            assert all(vars(webbrowser)[name] is before[name] for name in ("open", "open_new", "open_new_tab", "get"))
            assert not [one for one in threading.enumerate() if one.name == "azcred-browser"]
        """
    )
    pytester.runpytest_subprocess("-q", "-p", "no:randomly", "-p", "no:xdist").assert_outcomes(passed=2)


def test_msal_device_code(entra: Entra, fake_device_login: Login, app: Any) -> None:
    """The person reads the message and types the code in."""
    flow = app.initiate_device_flow([SCOPE])
    fake_device_login(flow["message"])
    assert claims_of(app.acquire_token_by_device_flow(flow)["access_token"])["oid"] == entra.user.object_id


def test_msal_device_code_declined(fake_device_login: Login, app: Any) -> None:
    """msal stops polling."""
    flow = app.initiate_device_flow([SCOPE])
    fake_device_login(flow["user_code"], decline=True)
    assert app.acquire_token_by_device_flow(flow)["error"] == "authorization_declined"


def test_azure_identity_device_code(entra: Entra, fake_device_login: Login) -> None:
    """The prompt is answered while the credential waits."""
    user = entra.add_user("ada", mfa=Mfa.ENFORCED)

    def prompt(uri: str, code: str, expires: object) -> None:
        assert uri == "https://microsoft.com/devicelogin"
        fake_device_login(code, user)

    with DeviceCodeCredential(prompt_callback=prompt) as credential:
        assert claims_of(credential.get_token(SCOPE).token)["oid"] == user.object_id


def test_a_code_that_no_device_shows(fake_device_login: Login) -> None:
    """The page complains, and the test is told."""
    with pytest.raises(AssertionError, match="AADSTS70018"):
        fake_device_login("BBBBBBBBB")


@pytest.fixture
def shop(entra: Entra) -> Iterator[Shop]:
    """A web app on a free port; nobody has consented to it yet."""
    with Shop(entra) as shop:
        yield shop


def test_a_web_app(entra: Entra, shop: Shop) -> None:
    """The browser is sent to sign in and consent, and comes back with a code that msal redeems."""
    Visit(entra.emulators.directory, Person(consent=False)).follow(shop.url)
    Visit(entra.emulators.directory, Person()).follow(shop.url)
    assert shop.visitors == ["access_denied", entra.user.name]


def test_the_authorization_code_credential(entra: Entra) -> None:
    """azure-identity redeems the code that the pages gave."""
    client = entra.add_web_app(redirect_uris=("http://localhost/auth",))
    query = urlencode(
        {
            "client_id": client.client_id,
            "response_type": "code",
            "redirect_uri": "http://localhost/auth",
            "scope": SCOPE,
            "response_mode": "form_post",
        }
    )
    visit = Collecting(entra)
    visit.follow(f"https://login.microsoftonline.com/{contoso.TENANT.id}/oauth2/v2.0/authorize?{query}")
    with AuthorizationCodeCredential(
        contoso.TENANT.id, client.client_id, visit.answer["code"], "http://localhost/auth", client_secret=SECRET
    ) as credential:
        assert claims_of(credential.get_token(SCOPE).token)["oid"] == entra.user.object_id


class Collecting(Visit):
    """A window that keeps what it would bring back to the app, which is not there."""

    def __init__(self, entra: Entra) -> None:
        super().__init__(entra.emulators.directory, Person())
        self.answer: dict[str, str] = {}

    def _fetch(self, url: str, form: Any = None) -> Any:
        if url.startswith("http://localhost"):
            self.answer = dict(form)
            return None
        return super()._fetch(url, form)
