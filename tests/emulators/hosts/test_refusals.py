"""Throttling and refusals by name: every host gives them its own shape, and refuses those that it does not have."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import Client, TestResponse

from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import Exit, Gone, Refuse, Throttle
from azcred_emulators.hosts.catalogue import host_classes

HOSTS = host_classes()
# What tells that a body is in the host's own shape.
MESSAGES = {
    "imds": ("error_description", "Temporarily throttled, too many requests"),
    "app-service": ("message", "Too many requests."),
    "functions": ("message", "Too many requests."),
    "container-apps": ("message", "Too many requests."),
    "azure-arc": ("error_description", "Too many requests"),
    "service-fabric": ("error", {"code": "TooManyRequests", "message": "Too many requests."}),
    "cloud-shell": ("error", {"code": "TooManyRequests", "message": "Too many requests"}),
    "machine-learning": ("", "Too many requests"),
}


def ask(emulators: Emulators, name: str) -> TestResponse:
    """Ask a host for a token, without anything that it would grant one for."""
    return Client(emulators.application).get(f"/{name}{HOSTS[name].path}", base_url="http://localhost")


@pytest.mark.parametrize("name", HOSTS)
def test_throttling(emulators: Emulators, name: str) -> None:
    """Status 429 in the host's own shape; Retry-After only where the test asks for it."""
    emulators.faults_of(name).add(Throttle(), Throttle(retry_after=1))
    first, second = ask(emulators, name), ask(emulators, name)
    assert (first.status_code, second.status_code) == (429, 429)
    assert (first.headers.get("Retry-After"), second.headers.get("Retry-After")) == (None, "1")
    field, text = MESSAGES[name]
    if field:
        assert first.json is not None
        value = first.json[field]
        assert value == text or value.items() >= text.items()  # type: ignore[attr-defined]
    else:
        assert first.text == text


@pytest.mark.parametrize(
    ("name", "refusal"),
    [(name, problem.value) for name, host in HOSTS.items() for problem in host.refusals],
)
def test_every_refusal_of_a_host_by_its_name(emulators: Emulators, name: str, refusal: str) -> None:
    """With the status and the words of its table; the journal has them, too."""
    emulators.faults_of(name).add(Refuse(refusal))
    answer = ask(emulators, name)
    [expected] = [row for problem, row in HOSTS[name].refusals.items() if problem.value == refusal]
    assert answer.status_code == expected.status
    [entry] = emulators.journal.requests(fault="Refuse")
    assert (entry.host, entry.status) == (name, expected.status)
    assert entry.error
    assert entry.error.startswith(expected.message.partition("{")[0])


@pytest.mark.parametrize(
    ("name", "fault", "message"),
    [
        ("imds", Refuse("identity-missing"), "the emulator 'imds' has no refusal 'identity-missing'; there are "),
        ("imds", Refuse("identity-notfound"), "did you mean 'identity-not-found'?"),
        ("imds", Refuse("AADSTS7000215"), "the emulator 'imds' has no refusal 'AADSTS7000215'; there are "),
        ("cloud-shell", Refuse("challenge"), "the emulator 'cloud-shell' has no refusal 'challenge'"),
        (
            "app-service",
            Refuse("no-identity", suberror="bad_token"),
            "a refusal of the emulator 'app-service' has no suberror, only retry_after",
        ),
        ("graph", Throttle(), "the emulator 'graph' has no answer for Throttle(), which is for the token service, "),
        ("resource", Refuse("no-identity"), "the emulator 'resource' has no answer for Refuse('no-identity')"),
        (
            "imds",
            Exit(1),
            "the emulator 'imds' answers requests, whose faults are BadChallenge, BlackHole",
        ),
        ("imds", Gone, "Gone is the class of a fault; add one of it: Gone(...)"),
    ],
)
def test_a_fault_that_cannot_happen_is_an_error(emulators: Emulators, name: str, fault: object, message: str) -> None:
    """Where the test adds it."""
    with pytest.raises(TypeError, match=re.escape(message)):
        emulators.faults_of(name).add(fault)
    assert not emulators.faults_of(name)
