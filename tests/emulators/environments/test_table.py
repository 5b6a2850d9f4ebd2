"""The table of environments: what it must hold, and what comes from it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from azcred_emulators.directory import ManagedIdentity
from azcred_emulators.environments import ENVIRONMENTS, Environment, find, select
from azcred_emulators.environments.guesses import GUESSES
from azcred_emulators.environments.identities import SystemAssigned
from azcred_emulators.environments.initial_directory import initial_directory
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

EACH = pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=lambda environment: environment.name)


def test_every_environment_of_the_vocabulary_is_there() -> None:
    """The places that apps run in, and the absence of one."""
    assert {
        "virtual-machine",
        "scale-set",
        "container-instances",
        "kubernetes-node",
        "app-service",
        "functions",
        "container-apps",
        "azure-arc",
        "service-fabric",
        "cloud-shell",
        "machine-learning",
        "kubernetes",
        "kubernetes-identity-binding",
        "on-premises-secret",
        "on-premises-certificate",
        "developer-service-principal",
        "developer-azure-cli",
        "developer-browser",
        "nothing",
    } <= set(ENVIRONMENTS)


def test_each_identity_is_of_one_environment() -> None:
    """So that a token says where it comes from. People are the same everywhere."""
    ids = [one.client_id for one in ENVIRONMENTS.values() if one.client_id]
    assert len(ids) == len(set(ids))


@EACH
def test_the_identity_is_in_the_directory(environment: Environment) -> None:
    """With the kind of assignment that the table says."""
    directory = initial_directory()
    assert environment.user is None or directory.user(environment.user)
    principal = directory.principal(environment.client_id or "")
    assert bool(principal) == bool(environment.client_id)
    if environment.host and isinstance(principal, ManagedIdentity):
        assert principal.system_assigned is isinstance(environment.identity, SystemAssigned)


@EACH
def test_each_has_its_fixtures(environment: Environment, request: pytest.FixtureRequest, azcred: Azcred) -> None:
    """One is named after the environment."""
    assert environment.fixtures[0] == f"fake_{environment.name.replace('-', '_')}"
    for name in environment.fixtures:
        place: Place = request.getfixturevalue(name)
        assert place.environment == environment


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("managed-identity", "virtual-machine"),
        ("workload-identity", "kubernetes"),
        ("service-principal", "developer-service-principal"),
        ("azure-cli", "developer-azure-cli"),
        ("azure-powershell", "developer-powershell"),
        ("azure-developer-cli", "developer-azd"),
    ],
)
def test_an_environment_is_found_by_the_name_of_each_fixture(alias: str, name: str) -> None:
    """What is shown is its own name."""
    assert find(alias).name == name
    assert [environment.name for environment in select(alias, name)] == [name]


def test_a_name_that_is_not_there_is_answered_with_the_nearest() -> None:
    """Or with all of them."""
    with pytest.raises(LookupError, match="'machine-lerning'; did you mean 'machine-learning'"):
        find("machine-lerning")
    with pytest.raises(LookupError, match="'workload-identiy'; did you mean 'workload-identity'"):
        find("workload-identiy")
    with pytest.raises(LookupError, match="there are nothing, virtual-machine"):
        find("mainframe")


@pytest.mark.parametrize(
    ("guess", "hint"),
    [
        ("vm", "'virtual-machine' or 'scale-set'"),
        ("VM", "'virtual-machine' or 'scale-set'"),
        ("aks", "'kubernetes' or 'kubernetes-node' or 'kubernetes-identity-binding'"),
        ("web_app", "'app-service'"),
        ("Function App", "'functions'"),
        ("pwsh", "'developer-powershell'"),
    ],
)
def test_a_usual_word_is_answered_with_what_it_may_mean(guess: str, hint: str) -> None:
    """Spelling would not find it."""
    with pytest.raises(LookupError, match=f"there is no environment {guess!r}; did you mean {hint}") as error:
        find(guess)
    assert str(error.value.args[0]).endswith(f"{hint}?")


def test_guesses_are_for_environments_that_exist() -> None:
    """And none of them is a name."""
    assert {name for names in GUESSES.values() for name in names} <= set(ENVIRONMENTS)
    assert not set(GUESSES) & {name for one in ENVIRONMENTS.values() for name in (one.name, one.alias)}


def test_a_star_selects_every_environment_with_an_identity() -> None:
    """In which DefaultAzureCredential finds one, that is; once each."""
    everywhere = [environment.name for environment in select("*", "kubernetes")]
    assert everywhere == [one.name for one in ENVIRONMENTS.values() if one.provider]
    assert "nothing" not in everywhere


@pytest.mark.slow
def test_the_table_is_light() -> None:
    """The plugin reads it at the start of every run: neither cryptography nor Werkzeug comes with it."""
    program = "import sys, azcred_emulators.environments.table as e; print(len(e.ENVIRONMENTS), *sys.modules)"
    words = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert int(words[0]) == len(ENVIRONMENTS)
    assert not {"cryptography", "werkzeug", "jwt", "socket", "ssl"} & set(words)


def test_a_place_tells_what_it_lacks(fake_nothing: Place, fake_cloud_shell: Place) -> None:
    """In a sentence with its name."""
    for missing in ("identity", "user", "faults", "executable", "browser"):
        with pytest.raises(LookupError, match="'nothing'"):
            getattr(fake_nothing, missing)
    with pytest.raises(LookupError, match="'cloud-shell' has no identity"):
        _ = fake_cloud_shell.identity
