"""Apps that branch on the platform they run on, unmodified, and whose platform they see."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from azcred_emulators.environments import ENVIRONMENTS
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place
from pytest_azcred.redirect.routes import OutsideConnectionError

# As Microsoft's samples for Django have it: one settings module for all, and one for production.
SETTINGS = """
import os
if "WEBSITE_HOSTNAME" in os.environ:
    DEBUG = False
    ALLOWED_HOSTS = [os.environ["WEBSITE_HOSTNAME"]]
    CSRF_TRUSTED_ORIGINS = ["https://" + os.environ["WEBSITE_HOSTNAME"]]
elif "CONTAINER_APP_NAME" in os.environ:
    DEBUG = False
    ALLOWED_HOSTS = [os.environ["CONTAINER_APP_NAME"] + "." + os.environ["CONTAINER_APP_ENV_DNS_SUFFIX"]]
elif "KUBERNETES_SERVICE_HOST" in os.environ:
    DEBUG = False
    ALLOWED_HOSTS = ["*"]
else:
    DEBUG = True
    ALLOWED_HOSTS = []
"""
HOSTS = {
    "app-service": ["emulated-app-a0b1c2d3e4f5g6h7.westeurope-01.azurewebsites.net"],
    "functions": ["emulated-functions-a0b1c2d3e4f5g6h7.westeurope-01.azurewebsites.net"],
    "container-apps": ["emulated-app.emulated-01234567.westeurope.azurecontainerapps.io"],
    "kubernetes": ["*"],
    "kubernetes-node": ["*"],
    "developer-azure-cli": [],
    "virtual-machine": [],
}
# Where a suite may itself run.
RUNNERS = (
    "app-service",
    "functions",
    "container-apps",
    "service-fabric",
    "cloud-shell",
    "machine-learning",
    "kubernetes",
)


@pytest.mark.azcred(*HOSTS)
def test_settings_are_those_of_the_platform(azcred: Azcred) -> None:
    """Of production on each platform, of development elsewhere."""
    assert azcred.place
    settings: dict[str, object] = {}
    exec(SETTINGS, settings)
    assert settings["ALLOWED_HOSTS"] == HOSTS[azcred.place.environment.name]
    assert settings["DEBUG"] is (settings["ALLOWED_HOSTS"] == [])


@pytest.mark.slow
def test_an_app_in_a_child_process_sees_the_same(fake_container_apps: Place) -> None:
    """Whatever it is written in."""
    seen = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
    assert "CONTAINER_APP_NAME=emulated-app\n" in seen
    assert "CONTAINER_APP_REVISION=emulated-app--0000001\n" in seen


def test_the_platform_ends_with_the_environment(azcred: Azcred) -> None:
    """And the outer one's shows again."""
    with azcred.environment("app-service"):
        assert os.environ["WEBSITE_SITE_NAME"] == "emulated-app"
        with azcred.environment("functions"):
            assert os.environ["WEBSITE_SITE_NAME"] == "emulated-functions"
        assert os.environ["WEBSITE_SITE_NAME"] == "emulated-app"
        assert "FUNCTIONS_WORKER_RUNTIME" not in os.environ
    assert "WEBSITE_SITE_NAME" not in os.environ


@pytest.fixture
def runner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place where the suite itself runs: its variables, with values of its own."""
    for name in ENVIRONMENTS[request.param].platform_variables:
        monkeypatch.setenv(name, "the-runners-own")
    return str(request.param)


@pytest.mark.parametrize("runner", RUNNERS, indirect=True)
def test_the_runners_platform_is_hidden(runner: str, azcred: Azcred) -> None:
    """In every environment that is not of that platform, and where there is none."""
    assert "the-runners-own" not in os.environ.values()
    azcred.environment("azure-arc")
    assert "the-runners-own" not in os.environ.values()
    assert not set(ENVIRONMENTS[runner].platform_variables) & set(os.environ)


@pytest.mark.parametrize("runner", ["github-actions"], indirect=True)
def test_a_ci_service_stays_visible(runner: str, azcred: Azcred) -> None:
    """Test tools ask for it. In the other service it does not show, and in its own the values are the emulated ones."""
    assert os.environ["GITHUB_ACTIONS"] == "the-runners-own"
    with azcred.environment("azure-pipelines"):
        assert "GITHUB_ACTIONS" not in os.environ
        assert os.environ["TF_BUILD"] == "True"
    with azcred.environment("github-actions"):
        assert os.environ["GITHUB_ACTIONS"] == "true"
        assert "TF_BUILD" not in os.environ
    assert os.environ["GITHUB_ACTIONS"] == "the-runners-own"


def test_the_cluster_is_not_reached(fake_kubernetes: Place, azcred: Azcred) -> None:
    """A client that goes to the address of the API server is refused at once, as everywhere."""
    address = (os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"]))
    with pytest.raises(OutsideConnectionError, match=r"192\.0\.2\.1"), socket.create_connection(address):
        pass


@pytest.mark.slow
def test_azcred_run_sets_them_and_hides_the_runners(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A command sees the platform of its environment alone."""
    monkeypatch.setenv("CONTAINER_APP_NAME", "the-runners-own")
    program = "import os; print(os.environ['WEBSITE_SITE_NAME'], os.environ.get('CONTAINER_APP_NAME'))"
    command = [sys.executable, "-m", "pytest_azcred", "run", "-e", "app-service", "--", sys.executable, "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ran.stdout == "emulated-app None\n"
