"""The task in a worker that takes it from a broker in memory, and in the caller's place."""

import pytest
import tasks
from celery.contrib.testing.worker import start_worker

pytestmark = pytest.mark.azcred("kubernetes")


@pytest.fixture(autouse=True)
def vault(azcred):
    vault = azcred.resource("https://shop.vault.azure.net")
    vault.answer("GET", "/secrets/key", json={"value": "hunter2", "id": f"{vault.url}/secrets/key/1"})
    return vault


def test_a_worker_signs(azcred):
    """Its threads are in the environment of the test."""
    with start_worker(tasks.app, pool="solo", perform_ping_check=False):
        assert tasks.sign.delay("profit").get(timeout=30) == "profit, signed with hunter2"
    azcred.journal.assert_tokens(provider="workload-identity", times=1)


def test_without_a_worker(azcred):
    """`apply` runs the task at once."""
    assert tasks.sign.apply(("loss",)).get() == "loss, signed with hunter2"
    azcred.journal.assert_tokens(provider="workload-identity", times=1)
