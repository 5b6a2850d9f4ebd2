"""The identity of whoever runs the tests is out of sight."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential
from azure.identity._constants import EnvironmentVariables

from azcred_emulators.emulators import Emulators
from azcred_emulators.environments.isolation import isolation
from pytest_azcred.azcred import Azcred
from pytest_azcred.run import isolated

IDENTITY = {
    value
    for name, value in vars(EnvironmentVariables).items()
    if isinstance(value, str) and name.isupper() and not value.startswith("AZURE_CLI_")
} | {"AZURE_CONFIG_DIR", "AZD_CONFIG_DIR", "IDENTITY_SERVER_THUMBPRINT", "SYSTEM_ACCESSTOKEN"}
AGENTS = {"SSH_AUTH_SOCK", "PYTHON_KEYRING_BACKEND", "AZCRED_KEY", "AZURE_ADDITIONALLY_ALLOWED_TENANTS"}
FOLDERS = {"APPDATA", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"}
PROXIES = {"HTTP_PROXY", "https_proxy", "ALL_PROXY", "no_proxy"}


@pytest.fixture
def developer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The machine of a developer: every variable is set, and every tool is installed beside others."""
    for name in IDENTITY | PROXIES | AGENTS | FOLDERS:
        monkeypatch.setenv(name, "http://the-developers-own.example.com")
    tools = tmp_path / "tools"
    venv.create(tools, with_pip=False, symlinks=True)
    folder = tools / "bin"
    for name in ("az", "azd", "pwsh", "powershell", "mytool", "az-not"):
        (folder / name).write_text(f"#!/bin/sh\necho the real {name}\n")
        (folder / name).chmod(0o755)
    (next((tools / "lib").iterdir()) / "site-packages" / "in_the_tools.py").touch()
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"], str(folder)]))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".azure").mkdir()
    return folder


@pytest.mark.parametrize("name", sorted(IDENTITY | PROXIES | AGENTS | FOLDERS))
def test_variables_are_hidden(developer: Path, azcred: Azcred, name: str) -> None:
    """No variable that azure-identity knows, and no proxy, is the developer's."""
    assert "the-developers-own" not in os.environ.get(name, "")


@pytest.mark.slow
def test_variables_are_hidden_from_children(developer: Path, azcred: Azcred) -> None:
    """Child processes do not see them either."""
    seen = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
    assert "the-developers-own" not in seen


def test_home(developer: Path, azcred: Azcred) -> None:
    """The home folder is an empty one, where the tools and SDKs look for their caches."""
    assert list(Path.home().iterdir()) == []
    assert Path(os.environ["AZURE_CONFIG_DIR"]).parent == Path.home()
    (Path.home() / ".azure").mkdir()


@pytest.mark.parametrize("name", sorted(FOLDERS))
def test_folders_are_below_the_home(developer: Path, azcred: Azcred, name: str) -> None:
    """Where the developer has put them elsewhere; a program that makes them finds them empty."""
    assert Path(os.environ[name]).is_relative_to(Path.home())


def test_the_folder_of_sockets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """It is a private one, as XDG wants it, and goes with the test."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
    request.getfixturevalue("azcred")
    folder = Path(os.environ["XDG_RUNTIME_DIR"])
    assert list(folder.iterdir()) == []
    assert folder.stat().st_mode & 0o777 == 0o700
    assert os.environ["DBUS_SESSION_BUS_ADDRESS"] == f"unix:path={folder}/bus"
    assert not folder.is_relative_to(Path.home())


def test_what_is_not_set_stays_so(tmp_path: Path) -> None:
    """A server has none of the desktop's variables, and gets none."""
    assert set(isolation({}, tmp_path)) == {"HOME", "AZURE_CONFIG_DIR", "AZD_CONFIG_DIR", "PATH"}


def test_nothing_of_a_test_is_left(developer: Path, azcred_emulators: Emulators) -> None:
    """Neither its home nor its folder of sockets."""
    before = set(azcred_emulators.folder.iterdir())
    with isolated(azcred_emulators):
        (Path.home() / "cache").touch()
    assert {path for path in azcred_emulators.folder.iterdir() if path.name.startswith("user-")} <= before


def test_home_is_the_tests_own(tmp_path: Path) -> None:
    """What one test leaves in its home folder is not in the next one's."""
    assert isolation({}, tmp_path)["HOME"] != isolation({}, tmp_path)["HOME"]


@pytest.mark.parametrize("tool", ["az", "azd", "pwsh", "powershell"])
def test_tools_are_hidden(developer: Path, azcred: Azcred, tool: str) -> None:
    """Neither Python nor a shell finds the developer's tools."""
    assert shutil.which(tool) is None
    assert subprocess.run(["sh", "-c", f"{tool} --version"], capture_output=True, check=False).returncode == 127


@pytest.mark.parametrize("tool", ["mytool", "az-not"])
def test_other_tools_stay(developer: Path, azcred: Azcred, tool: str) -> None:
    """What lies beside them in the same folder is still found."""
    assert shutil.which(tool)
    assert subprocess.run([tool], capture_output=True, text=True, check=True).stdout == f"the real {tool}\n"


@pytest.mark.slow
def test_python_of_a_virtual_environment_stays(developer: Path, azcred: Azcred) -> None:
    """A virtual environment's Python beside them runs, with the packages of its environment."""
    program = "import sys, in_the_tools; print(sys.prefix != sys.base_prefix)"
    run = subprocess.run(["python", "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout == "True\n"


def test_everything_comes_back(developer: Path, azcred_emulators: Emulators) -> None:
    """Variables and tools are the developer's again when the fixture ends."""
    before = dict(os.environ)
    with isolated(azcred_emulators):
        assert shutil.which("az") is None
    assert dict(os.environ) == before
    assert shutil.which("az") == str(developer / "az")


def test_folders_without_tools_are_left_alone(tmp_path: Path) -> None:
    """Only the entries of PATH that hold a tool are replaced, in their place."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "az").touch()
    (tmp_path / "three" / "az").mkdir(parents=True)  # a folder is no tool
    entries = [str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "three"), "/nowhere", ""]
    path = isolation({"PATH": os.pathsep.join(entries)}, tmp_path)["PATH"]
    assert path is not None
    found = path.split(os.pathsep)
    assert [*found[:1], *found[2:]] == [*entries[:1], *entries[2:]]
    assert list(Path(found[1]).iterdir()) == []


def test_each_folder_has_a_shadow_of_its_own(tmp_path: Path) -> None:
    """Two tests with different folders in the same place of PATH do not see each other's."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for tool in ("az", f"tool-{name}"):
            (tmp_path / name / tool).touch()
        path = isolation({"PATH": str(tmp_path / name)}, tmp_path)["PATH"]
        assert path is not None
        assert os.listdir(path) == [f"tool-{name}"]


@pytest.mark.skipif(sys.platform != "linux", reason="simulates another platform")
@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_proxies_of_the_system(platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python reads proxies from the system's settings it is told to use none."""
    monkeypatch.setattr(sys, "platform", platform)
    assert isolation({}, tmp_path)["NO_PROXY"] == "*"
    assert isolation({}, tmp_path)["PYTHON_KEYRING_BACKEND"] == "keyring.backends.fail.Keyring"


class WindowsVariables(dict[str, str]):
    """Variables whose names are compared as Windows does, which knows no small letters in them."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).upper())


@pytest.mark.skipif(sys.platform != "linux", reason="simulates another platform")
def test_names_that_differ_in_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows they are one variable: the removal of the user's `no_proxy` must not delete ours."""
    monkeypatch.setattr(sys, "platform", "win32")
    changes = isolation(WindowsVariables(NO_PROXY="example.com", HTTPS_PROXY="http://proxy.example.com"), tmp_path)
    assert changes["NO_PROXY"] == "*"
    assert changes["HTTPS_PROXY"] is None
    assert all(name == name.upper() for name in changes)


def test_the_chain_finds_nothing(developer: Path, azcred: Azcred) -> None:
    """azure-identity says of each provider why it is unavailable, and asks nobody."""
    with pytest.raises(ClientAuthenticationError) as caught, DefaultAzureCredential() as credential:
        credential.get_token("https://vault.azure.net/.default")
    for sentence in (
        "EnvironmentCredential: EnvironmentCredential authentication unavailable",
        "WorkloadIdentityCredential: WorkloadIdentityCredential authentication unavailable",
        "ManagedIdentityCredential: ManagedIdentityCredential authentication unavailable",
        "AzureCliCredential: Azure CLI not found on path",
        "AzurePowerShellCredential: PowerShell is not installed",
        "AzureDeveloperCliCredential: Azure Developer CLI could not be found",
    ):
        assert sentence in str(caught.value)
    assert azcred.journal.requests() == []
