"""Environments that compose, nest and end, in any order: what each set up is taken back, and nothing else."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azcred_emulators.environments import ENVIRONMENTS
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

VARIABLES = ("AZURE_", "IDENTITY_", "IMDS_", "MSI_", "ACC_", "DEFAULT_IDENTITY", "PATH", "AZCRED_")


def variables() -> dict[str, str]:
    """Return the variables that environments set."""
    return {name: value for name, value in os.environ.items() if name.startswith(VARIABLES)}


def state(azcred: Azcred) -> tuple[object, ...]:
    """Return what environments change in this process; the hosts of token issuers stay routed until the test ends."""
    return variables(), {tuple(route) for route in azcred.routes if route.host[0] in "1:"}, open, os.stat


def test_a_place_lasts_until_it_is_left(azcred: Azcred) -> None:
    """As a context manager, even if the block fails."""
    before = state(azcred)
    tokens = []

    def fail() -> None:
        with azcred.environment("kubernetes") as place:
            assert azcred.place is place
            tokens.append(Path(os.environ["AZURE_FEDERATED_TOKEN_FILE"]))
            assert tokens[0].exists()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert state(azcred) == before
    assert azcred.place is None
    assert not tokens[0].exists()


def test_two_in_one_call_are_left_together(azcred: Azcred) -> None:
    """The last one named is the place."""
    before = state(azcred)
    with azcred.environment("azure-arc", "on-premises-secret") as place:
        assert place.environment.name == "on-premises-secret"
        assert {"IDENTITY_ENDPOINT", "AZURE_CLIENT_SECRET"} <= set(os.environ)
    assert state(azcred) == before


NESTED = ["app-service", "azure-arc", "kubernetes"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_places_are_left_in_any_order(azcred: Azcred, order: tuple[int, ...]) -> None:
    """What remains is as if the others had never been."""
    nothing = state(azcred)
    places = [azcred.environment(name) for name in NESTED]
    remaining = list(NESTED)
    for index in order:
        places[index].__exit__()
        remaining.remove(NESTED[index])
        assert ("AZURE_FEDERATED_TOKEN_FILE" in os.environ) == ("kubernetes" in remaining)
        assert ("IMDS_ENDPOINT" in os.environ) == ("azure-arc" in remaining)
        if "app-service" in remaining or "azure-arc" in remaining:
            name = "azure-arc" if "azure-arc" in remaining else "app-service"
            assert name in os.environ["IDENTITY_ENDPOINT"]
    assert state(azcred) == nothing


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(sorted(ENVIRONMENTS)), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_any_places_in_any_order(azcred: Azcred, names: list[str], random: object) -> None:
    """The same environment may be there twice."""
    before = state(azcred)
    places = [azcred.environment(name) for name in names]
    random.shuffle(places)  # type: ignore[attr-defined]  # a random.Random
    for place in places:
        place.__exit__()
    assert state(azcred) == before


def test_what_the_test_changes_meanwhile_stays(azcred: Azcred, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable with another value than the place gave it is the test's."""
    with azcred.environment("on-premises-secret"):
        monkeypatch.setenv("AZURE_CLIENT_SECRET", "rotated")
    assert os.environ["AZURE_CLIENT_SECRET"] == "rotated"
    assert "AZURE_CLIENT_ID" not in os.environ


def test_leaving_twice_does_nothing(azcred: Azcred) -> None:
    """As with a context manager inside another."""
    outer = azcred.environment("kubernetes")
    with azcred.environment("app-service") as inner:
        inner.__exit__()
    assert azcred.place is outer


def test_a_wrong_name_leaves_nothing_half_done(azcred: Azcred) -> None:
    """The names are read before anything is set up."""
    before = state(azcred)
    with pytest.raises(LookupError, match="did you mean 'kubernetes'"):
        azcred.environment("app-service", "kubernets")
    assert state(azcred) == before


def identity_of_the_machine() -> object:
    """Ask IMDS whose token it hands out."""
    response = requests.get(
        "http://169.254.169.254/metadata/identity/oauth2/token",
        params={"api-version": "2018-02-01", "resource": "https://vault.azure.net"},
        headers={"Metadata": "true"},
        timeout=10,
    )
    return response.json().get("client_id")


def test_one_machine_after_another(azcred: Azcred) -> None:
    """The places that share IMDS have an identity each: IMDS is the last one's."""
    for name in ("scale-set", "virtual-machine", "kubernetes-node"):
        with azcred.environment(name) as place:
            assert identity_of_the_machine() == place.identity.client_id
    with pytest.raises(requests.ConnectionError):
        identity_of_the_machine()


def test_an_identity_that_the_test_has_taken_away_stays_away(azcred: Azcred) -> None:
    """Entering a place does not assign it again."""
    place = azcred.environment("virtual-machine")
    azcred.directory.remove(place.identity)
    azcred.environment("virtual-machine")
    assert identity_of_the_machine() is None


def test_a_machine_within_a_machine(azcred: Azcred) -> None:
    """When the inner one is left, IMDS is the outer one's again."""
    outer = azcred.environment("virtual-machine")
    with azcred.environment("scale-set"):
        pass
    assert identity_of_the_machine() == outer.identity.client_id


def test_requests_are_those_of_the_place(fake_app_service: Place, fake_azure_arc: Place, azcred: Azcred) -> None:
    """Each place knows its own host's."""
    requests.get(os.environ["IMDS_ENDPOINT"] + "/metadata/identity/oauth2/token", timeout=10)
    assert fake_azure_arc.statuses == [400]
    assert fake_app_service.statuses == []
