"""What tells an app the platform: the variables of each environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from azcred_emulators import Emulators
from azcred_emulators.directory.identifiers import SUBSCRIPTION_ID
from azcred_emulators.environments import ENVIRONMENTS, Environment

PAGE = (Path(__file__).parents[3] / "docs" / "environments.md").read_text()
EACH = pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=lambda environment: environment.name)
# By which samples and libraries tell the platforms.
MARKERS = {
    "kubernetes-node": "KUBERNETES_SERVICE_HOST",
    "app-service": "WEBSITE_HOSTNAME",
    "functions": "FUNCTIONS_WORKER_RUNTIME",
    "container-apps": "CONTAINER_APP_NAME",
    "service-fabric": "Fabric_ApplicationName",
    "cloud-shell": "ACC_CLOUD",
    "machine-learning": "CI_NAME",
    "kubernetes": "KUBERNETES_SERVICE_HOST",
    "kubernetes-identity-binding": "KUBERNETES_SERVICE_HOST",
    "azure-pipelines": "TF_BUILD",
    "github-actions": "GITHUB_ACTIONS",
}


@pytest.fixture(scope="module")
def variables() -> Mapping[str, Mapping[str, str | None]]:
    """What each environment sets or removes, by its name; that of the fake tools apart."""
    with Emulators() as emulators:
        return {
            name: {
                **environment.platform_variables,
                **environment.variables(emulators, emulators.folder / name),
            }
            for name, environment in ENVIRONMENTS.items()
        }


@EACH
def test_every_variable_is_text_and_documented(
    environment: Environment, variables: Mapping[str, Mapping[str, str | None]]
) -> None:
    """The page names all that an environment sets, in its row."""
    rows = "".join(line for line in PAGE.splitlines() if f"`{environment.name}`" in line)
    for name, value in variables[environment.name].items():
        assert value is None or isinstance(value, str)
        assert re.search(rf"`{name}[=`]", rows), name


@EACH
def test_a_platform_has_its_own_marker(
    environment: Environment, variables: Mapping[str, Mapping[str, str | None]]
) -> None:
    """And no other platform's; a function app is a site of App Service, too."""
    set_here = {name for name, value in variables[environment.name].items() if value is not None}
    expected = {MARKERS[environment.name]} if environment.name in MARKERS else set()
    if environment.name == "functions":
        expected |= {"WEBSITE_HOSTNAME"}
    assert set_here & set(MARKERS.values()) == expected


@EACH
def test_values_agree_with_the_resource_id(environment: Environment) -> None:
    """Subscription, resource group and name are those of the environment's own resource."""
    variables = environment.platform_variables
    names = environment.resource_id.split("/")
    for name in ("WEBSITE_SITE_NAME", "CONTAINER_APP_NAME", "CI_NAME"):
        assert variables.get(name, names[-1]) == names[-1]
    for name in ("WEBSITE_RESOURCE_GROUP", "CI_RESOURCE_GROUP"):
        assert name not in variables or variables[name] == names[4]
    assert str(variables.get("WEBSITE_OWNER_NAME", SUBSCRIPTION_ID)).partition("+")[0] == SUBSCRIPTION_ID
    assert variables.get("CI_WORKSPACE") in (None, *names)


@EACH
def test_no_variable_changes_how_test_tools_work(environment: Environment) -> None:
    """Pytest shortens its messages, and others take other defaults, where `CI` or `BUILD_NUMBER` is set."""
    assert not {"CI", "BUILD_NUMBER"} & set(environment.platform_variables)
