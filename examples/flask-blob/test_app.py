"""The app wherever it is deployed, with Azurite as its storage account."""

import pytest
from app import create_app

from azcred_emulators.faults import Throttle

pytestmark = pytest.mark.usefixtures("azurite")


@pytest.mark.azcred("*")  # wherever an app can have an identity
def test_photos_are_kept(azcred):
    """In every environment of the table the app finds its identity, and Azurite takes the token."""
    client = create_app().test_client()
    assert client.get("/photos").json == {"photos": []}
    assert client.post("/photos/cat.jpg", data=b"meow").status_code == 201
    assert client.get("/photos").json == {"photos": ["cat.jpg"]}
    azcred.journal.assert_tokens(resource="https://storage.azure.com", times=1)


def test_a_throttled_host_is_asked_again(azcred, fake_app_service):
    """App Service's endpoint refuses twice; the SDK waits, in no time here, and the photo is stored."""
    fake_app_service.faults.add(Throttle(), times=2)
    with azcred.clock.skip_waits():
        assert create_app().test_client().post("/photos/cat.jpg", data=b"meow").status_code == 201
    assert fake_app_service.statuses == [429, 429, 200]


def test_without_an_identity_the_app_says_so(azcred, fake_nothing):
    """Its users get an error, after the storage client has tried again for more than a minute: in no time here."""
    with azcred.clock.skip_waits():
        assert create_app().test_client().post("/photos/cat.jpg", data=b"meow").status_code == 500
    azcred.journal.assert_tokens(times=0)
