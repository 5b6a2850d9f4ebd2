"""What the journal keeps of the requests of real clients: claims, and neither tokens nor secrets."""

from __future__ import annotations

import os

from support.sdk import WITHOUT_SERVICE_FABRIC, Sdk

from azcred_emulators.emulation.journal_entry import describe
from azcred_emulators.environments import ENVIRONMENTS
from azcred_emulators.faults import ExpiredToken
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

SCOPE = "https://vault.azure.net/.default"


def test_the_claims_of_a_token_are_shown(azcred: Azcred, fake_managed_identity: Place, sdk: Sdk) -> None:
    """They are those of the token that was handed out, even if it was the wrong one."""
    fake_managed_identity.faults.add(ExpiredToken(3600))
    sdk.credential("ManagedIdentityCredential").get_token(SCOPE)
    [entry] = fake_managed_identity.requests()
    assert entry.claims is not None
    assert entry.claims["appid"] == fake_managed_identity.identity.client_id
    assert float(str(entry.claims["exp"])) < azcred.clock.now()
    assert f"aud=https://vault.azure.net appid={entry.client_id} oid=" in describe(azcred.journal.requests())


def test_secrets_and_tokens_stay_out_of_it(azcred: Azcred, sdk: Sdk) -> None:
    """In every place; what is shown and what a debugger would print."""
    kept = ""
    tokens = []
    unattended = ("environment", "workload-identity", "managed-identity")
    names = {one.name for one in ENVIRONMENTS.values() if one.provider in unattended}
    for name in names - ({"service-fabric"} if WITHOUT_SERVICE_FABRIC else set()):
        with azcred.environment(name):
            tokens += [value for key, value in os.environ.items() if "SECRET" in key or "HEADER" in key]
            tokens.append(sdk.credential("DefaultAzureCredential").get_token(SCOPE).token)
            kept += describe(azcred.journal.requests()) + repr(azcred.journal.requests())
    assert len(tokens) > 10
    for token in tokens:
        assert token not in kept
        assert token.rpartition(".")[2] not in kept
