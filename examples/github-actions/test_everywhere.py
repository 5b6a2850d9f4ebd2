"""A suite for every place that the app is deployed to; the workflow runs it in each, in a job of its own."""

import jwt
import pytest
from azure.identity import DefaultAzureCredential


def whose_token():
    with DefaultAzureCredential() as credential:
        token = credential.get_token("https://vault.azure.net/.default").token
    return jwt.decode(token, options={"verify_signature": False})["appid"]


@pytest.mark.azcred("kubernetes", "app-service", "on-premises-secret", "on-premises-certificate")
def test_the_app_is_itself(azcred):
    """It acts as the identity that was made for it there."""
    assert whose_token() == azcred.place.identity.client_id


def test_one_token_is_enough(azcred):
    """Without a marker a test runs in every job, as if there; in a run without one there is no identity at all."""
    if azcred.place is None:
        pytest.skip("there is no place to run in; name one with --azcred-environment")
    whose_token()
    azcred.journal.assert_tokens(times=1)
