"""A day of the job in no time, and what it does where the machine has no identity."""

from contextlib import closing

import pytest
from azure.core.exceptions import ClientAuthenticationError
from job import API, Job

from azcred_emulators.directory import Application
from azcred_emulators.faults import IdentityNotFound


@pytest.fixture
def api(azcred):
    """The API at its real address. It takes tokens for its own id only."""
    tenant = azcred.directory.tenants()[0]
    azcred.directory.add(Application(name="stock", tenant_id=tenant.id, identifier_uris=("api://stock",)))
    api = azcred.resource(API, audience="api://stock")
    api.answer("POST", "/reports", status=202)
    return api


def test_a_day_needs_three_tokens(azcred, fake_virtual_machine, api):
    """A managed identity's token lasts 24 hours, and the SDK renews it after half of them: all reports are taken."""
    with closing(Job()) as job:
        for hour in range(25):
            job.report(stock=hour)
            azcred.clock.advance(hours=1)
        assert job.reported == 25
    azcred.journal.assert_tokens(host="imds", times=3)
    assert {entry.status for entry in azcred.journal.requests(emulator="resource")} == {202}


def test_a_service_principal_needs_a_token_an_hour(azcred, fake_on_premises_secret, api):
    """Entra ID's own tokens last little more than an hour."""
    with closing(Job()) as job:
        for hour in range(24):
            job.report(stock=hour)
            azcred.clock.advance(hours=1)
    azcred.journal.assert_tokens(provider="environment", times=24)


def test_at_a_desk_the_developer_reports(azcred, fake_developer_azure_cli, api):
    """Where there is no identity but somebody has signed in with az, the job is theirs."""
    with closing(Job()) as job:
        job.report(stock=1)
    azcred.journal.assert_tokens(provider="azure-cli", times=1)


def test_a_machine_that_lost_its_identity_falls_back(azcred, fake_virtual_machine, api):
    """IMDS answers that there is none; the chain goes on to az, and the day is saved."""
    fake_virtual_machine.faults.add(IdentityNotFound(), times=2)  # the search for IMDS, and the request
    azcred.environment("developer-azure-cli")
    with closing(Job()) as job:
        job.report(stock=1)
    azcred.journal.assert_providers("managed-identity", "azure-cli")


def test_nowhere_to_be_found(azcred, fake_nothing, api):
    """Nothing is sent without an identity."""
    with closing(Job()) as job, pytest.raises(ClientAuthenticationError, match="failed to retrieve a token"):
        job.report(stock=1)
    assert azcred.journal.requests(emulator="resource") == []
