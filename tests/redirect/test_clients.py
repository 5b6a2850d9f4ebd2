"""Every client reaches the emulators at the real names and addresses of Azure."""

from __future__ import annotations

import errno
import json

import pytest
from support.http_clients import Fetch, causes

from pytest_azcred.azcred import Azcred

DOCUMENT = "/common/v2.0/.well-known/openid-configuration"
IMDS_TOKEN = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net"
NAMES = [
    pytest.param("login.microsoftonline.com", id="public"),
    pytest.param("westeurope.login.microsoft.com", id="regional"),
    pytest.param("login.microsoftonline.us", id="us-government"),
    pytest.param("login.partner.microsoftonline.cn", id="china"),
]


def has_read_the_document(fetch: Fetch, azcred: Azcred, name: str) -> None:
    """Read the discovery document of a cloud, and check that the token service was asked by its name."""
    answer = fetch(f"https://{name}{DOCUMENT}")
    assert answer.status == 200
    assert "token_endpoint" in json.loads(answer.text)
    (entry,) = azcred.journal.requests()
    assert (entry.emulator, entry.server_name, entry.path, entry.status) == ("authority", name, DOCUMENT, 200)


@pytest.mark.parametrize("name", NAMES)
def test_token_service(azcred: Azcred, client: Fetch, name: str) -> None:
    """The token service answers under its real name, with a certificate that the client accepts."""
    has_read_the_document(client, azcred, name)


def test_token_service_for_an_old_client(old_client: Fetch, azcred: Azcred) -> None:
    """Sessions, TLS contexts and event loops that the app made before the test started work as well."""
    has_read_the_document(old_client, azcred, "login.microsoftonline.com")


def test_metadata_service(azcred: Azcred, client: Fetch) -> None:
    """The metadata service of a virtual machine answers at its address."""
    azcred.environment("virtual-machine")
    answer = client(IMDS_TOKEN)
    assert answer.status == 200
    assert json.loads(answer.text)["token_type"] == "Bearer"
    azcred.journal.assert_tokens(host="imds", times=1)


def test_metadata_service_for_an_old_client(old_client: Fetch, azcred: Azcred) -> None:
    """A client made before the test started finds the metadata service."""
    azcred.environment("virtual-machine")
    assert old_client(IMDS_TOKEN).status == 200
    azcred.journal.assert_tokens(host="imds", times=1)


def test_no_metadata_service(azcred: Azcred, client: Fetch) -> None:
    """Where there is no metadata service its network is not there, so that clients fail at once."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- each client has errors of its own, around the same one
        client(IMDS_TOKEN)
    assert errno.ENETUNREACH in [getattr(error, "errno", None) for error in causes(caught.value)]
    assert azcred.journal.requests() == []
