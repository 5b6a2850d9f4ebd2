"""What the real clients of services without a stand-in make of refusals in their service's form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import azure.identity
import pytest
from azure.core.exceptions import HttpResponseError

from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

from .conftest import sdk

pytestmark = pytest.mark.filterwarnings("ignore")
NO_RETRY = {"retry_total": 0}


def blob(credential: Any) -> object:
    """Read a blob."""
    module = sdk("azure.storage.blob", "azure-storage-blob")
    return module.BlobClient("https://shop.blob.core.windows.net", "a", "b", credential=credential, **NO_RETRY).exists()


def table(credential: Any) -> object:
    """List the tables."""
    module = sdk("azure.data.tables", "azure-data-tables")
    client = module.TableServiceClient("https://shop.table.core.windows.net", credential=credential, **NO_RETRY)
    return list(client.list_tables())


def search(credential: Any) -> object:
    """Count the documents of an index."""
    module = sdk("azure.search.documents", "azure-search-documents")
    client = module.SearchClient("https://shop.search.windows.net", "orders", credential, **NO_RETRY)
    return client.get_document_count()


def batch(credential: Any) -> object:
    """Read a pool."""
    module = sdk("azure.batch", "azure-batch")
    return module.BatchClient("https://shop.westeurope.batch.azure.com", credential, **NO_RETRY).get_pool("a")


Call = Callable[[Any], object]


@pytest.mark.parametrize(
    ("call", "host", "code"),
    [
        (blob, "shop.blob.core.windows.net", "AuthorizationPermissionMismatch"),
        (table, "shop.table.core.windows.net", "AuthorizationPermissionMismatch"),
        (search, "shop.search.windows.net", "Forbidden"),
        (batch, "shop.westeurope.batch.azure.com", "AuthorizationFailed"),
    ],
)
def test_a_missing_role(call: Call, host: str, code: str, azcred: Azcred, place: Place) -> None:
    """The client's error has the service's code."""
    azcred.resource(f"https://{host}").allow("dana@contoso.com")
    with azure.identity.DefaultAzureCredential() as credential, pytest.raises(HttpResponseError) as refused:
        call(credential)
    assert refused.value.status_code == 403
    shown = getattr(refused.value, "error_code", None) or refused.value.message
    assert code in str(getattr(shown, "value", shown))
    assert f"{place.identity.name} has no role" in str(azcred.journal)


@pytest.mark.parametrize(
    ("call", "host", "path", "answer"),
    [
        (blob, "shop.blob.core.windows.net", "/a/b", {"data": "content"}),
        (table, "shop.table.core.windows.net", "/Tables", {"json": {"value": []}}),
    ],
)
def test_a_challenge_is_followed(
    call: Call, host: str, path: str, answer: dict[str, Any], azcred: Azcred, place: Place
) -> None:
    """To the audience that it names: the clients read Storage's form, which has no quotes."""
    account = azcred.resource(f"https://{host}", audience="https://example.azure.com")
    account.answer("GET", path, **answer)
    with azure.identity.DefaultAzureCredential() as credential:
        call(credential)
    assert [each.status for each in account.requests] == [401, 200]
    assert place.requests()[-1].resource == "https://example.azure.com"


def test_a_claims_challenge_is_followed(azcred: Azcred) -> None:
    """The client asks Entra ID again, with the claims."""
    azcred.environment("developer-service-principal")
    service = azcred.resource("https://shop.search.windows.net")
    service.answer("GET", "/indexes('orders')/docs/$count", data="5")
    with azure.identity.DefaultAzureCredential() as credential:
        assert search(credential) == 5
        service.challenge({"acrs": {"essential": True, "value": "c1"}})
        assert search(credential) == 5
    assert [each.status for each in service.requests] == [200, 401, 200]
    azcred.journal.assert_tokens(provider="environment", times=2)


@pytest.mark.parametrize(
    ("call", "host"), [(search, "shop.search.windows.net"), (batch, "shop.westeurope.batch.azure.com")]
)
def test_a_wrong_audience(call: Call, host: str, azcred: Azcred, place: Place) -> None:
    """A 401 once, and the journal says what would help."""
    resource = azcred.resource(f"https://{host}", audience="https://example.azure.com")
    with azure.identity.DefaultAzureCredential() as credential, pytest.raises(HttpResponseError) as refused:
        call(credential)
    assert refused.value.status_code == 401
    assert [each.status for each in resource.requests] == [401]
    assert f"azcred.resource('https://{host}', audience='" in str(azcred.journal)
