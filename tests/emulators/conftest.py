"""Fixtures for tests that talk to the emulators as HTTP services, without sockets."""

from collections.abc import Callable, Iterator

import pytest
from support.entra import Entra
from werkzeug.test import Client, TestResponse

from azcred_emulators.directory import Application, contoso, identifiers
from azcred_emulators.emulators import Emulators

AUTHORITY = "https://login.microsoftonline.com"
TOKEN_URL = f"/{contoso.TENANT.id}/oauth2/v2.0/token"
VAULT = "https://vault.azure.net"


@pytest.fixture
def emulators(azcred_emulators: Emulators) -> Iterator[Emulators]:
    """The emulators in the state they start in, without routing or isolation around them."""
    yield azcred_emulators
    azcred_emulators.reset()


@pytest.fixture
def client(emulators: Emulators) -> Client:
    """A client of whichever emulator the Host header names."""
    return Client(emulators.application)


@pytest.fixture
def application(emulators: Emulators) -> Application:
    """The service principal of the directory that a run starts with."""
    principal = emulators.directory.principal(identifiers.SERVICE_PRINCIPAL_CLIENT_ID)
    assert isinstance(principal, Application)
    return principal


@pytest.fixture
def ask_token(client: Client, application: Application) -> Callable[..., TestResponse]:
    """Ask the token service for a token; keywords change the form, None leaves a field out."""

    def ask(url: str = TOKEN_URL, /, **changes: str | None) -> TestResponse:
        form = {
            "grant_type": "client_credentials",
            "client_id": application.client_id,
            "client_secret": application.secrets[0].value,
            "scope": f"{VAULT}/.default",
            **changes,
        }
        return client.post(
            url, base_url=AUTHORITY, data={name: value for name, value in form.items() if value is not None}
        )

    return ask


@pytest.fixture
def entra(emulators: Emulators, client: Client) -> Entra:
    """A client of the token service, one method a request."""
    return Entra(emulators, client)
