"""The endpoint of Azure Arc on the wire, the folder of its keys, and who sees that folder."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.host_requests import VAULT, Ask, claims_of, unassign_all, user_assigned

from azcred_emulators.faults import BadChallenge
from azcred_emulators.hosts.azure_arc import AzureArc
from azcred_emulators.hosts.challenges import CHALLENGE_DEFECTS, ChallengeDefect
from azcred_emulators.hosts.endpoint import Endpoint
from pytest_azcred.azcred import Azcred
from pytest_azcred.place import Place

TOKENS = "/var/opt/azcmagent/tokens"


@pytest.fixture
def place(azcred: Azcred) -> Place:
    """A connected server."""
    return azcred.environment("azure-arc")


@pytest.fixture
def ask(place: Place) -> Ask:
    """A request that is challenged."""
    return Ask(
        os.environ["IDENTITY_ENDPOINT"],
        query={"api-version": "2020-06-01", "resource": VAULT},
        headers={"Metadata": "true"},
    )


def challenge(ask: Ask) -> Path:
    """Ask without a key and return the path of the key's file."""
    response = ask()
    assert response.status_code == 401
    scheme, _, path = response.headers["WWW-Authenticate"].partition(" realm=")
    assert scheme == "Basic"
    return Path(path)


def answered(ask: Ask, **selector: str) -> dict[str, object]:
    """Prove by the key that the request may be answered, and return the token's claims."""
    return claims_of(ask(selector, headers={"Authorization": f"Basic {challenge(ask).read_text()}"}))


def test_the_challenge_and_its_answer(ask: Ask, place: Place) -> None:
    """The key's file is in the agent's own folder, small, with the suffix that SDKs ask for."""
    path = challenge(ask)
    assert str(path.parent) == TOKENS
    assert path.suffix == ".key"
    assert path.stat().st_size <= 4096
    assert answered(ask)["appid"] == place.identity.client_id
    assert place.statuses == [401, 401, 200]


def test_the_body(ask: Ask, place: Place) -> None:
    """Strings; the identity that was used is named by each of its ids, so that clients can check it."""
    body = ask(headers={"Authorization": f"Basic {challenge(ask).read_text()}"}).json()
    assert all(isinstance(value, str) for value in body.values())
    assert {"access_token", "expires_in", "expires_on", "not_before", "resource", "token_type"} <= set(body)
    assert (body["client_id"], body["object_id"]) == (place.identity.client_id, place.identity.object_id)


def test_a_key_is_good_for_one_request(ask: Ask) -> None:
    """It is deleted when it has been used."""
    path = challenge(ask)
    key = path.read_text()
    assert ask(headers={"Authorization": f"Basic {key}"}).status_code == 200
    assert not path.exists()
    assert ask(headers={"Authorization": f"Basic {key}"}).status_code == 401


@pytest.mark.parametrize("authorization", ["Basic ", "Basic wrong", "Bearer {key}", "{key}"])
def test_a_wrong_key_is_challenged_again(ask: Ask, authorization: str) -> None:
    """So is the right one in another form."""
    key = challenge(ask).read_text()
    assert ask(headers={"Authorization": authorization.format(key=key)}).status_code == 401


def test_a_wrong_request_is_refused_before_the_challenge(ask: Ask) -> None:
    """Which no key is made for."""
    assert ask(headers={"Metadata": None}).status_code == 400
    assert ask({"api-version": "2000-01-01"}).status_code == 400
    assert ask({"resource": None}).status_code == 400
    assert ask({"resource": "https://typo.example"}).json()["error"] == "invalid_resource"
    assert os.listdir(TOKENS) == []


def test_an_identity_is_selected(ask: Ask, azcred: Azcred, host: Endpoint) -> None:
    """By an agent that supports it; it ignores App Service's name for the resource id, and an older one all of them."""
    two = user_assigned(azcred, host, "two")
    own = azcred.directory.assigned("azure-arc")[0]
    for selector in ({"client_id": two.client_id}, {"object_id": two.object_id}, {"msi_res_id": two.resource_id}):
        assert answered(ask, **selector)["appid"] == two.client_id
    assert answered(ask, mi_res_id=two.resource_id)["appid"] == own.client_id
    assert isinstance(host, AzureArc)
    host.supports_user_assigned = False
    assert answered(ask, client_id=two.client_id)["appid"] == own.client_id


def test_without_any_identity(ask: Ask, azcred: Azcred, host: Endpoint) -> None:
    """The words are those of IMDS."""
    unassign_all(azcred, host)
    assert ask().json() == {"error": "invalid_request", "error_description": "Identity not found"}


@pytest.mark.parametrize("defect", CHALLENGE_DEFECTS)
def test_a_bad_challenge(ask: Ask, host: Endpoint, defect: ChallengeDefect) -> None:
    """Each breaks one of the rules that SDKs check."""
    host.faults.add(BadChallenge(defect))
    header = ask().headers.get("WWW-Authenticate")
    assert (header is None) == (defect == "no-header")
    path = Path((header or "").partition("realm=")[2] or "/nonexistent")
    sound = str(path.parent) == TOKENS and path.suffix == ".key" and path.exists() and path.stat().st_size <= 4096
    assert sound == (defect == "wrong-key")
    if sound:
        assert ask(headers={"Authorization": f"Basic {path.read_text()}"}).status_code == 401


# The folders


def test_python_sees_the_agents_folders(place: Place) -> None:
    """By every function that opens a file or looks at one; the real folders are left alone."""
    key = Path(TOKENS) / "a.key"
    key.write_text("content")
    try:
        assert os.path.exists("/opt/azcmagent/bin/himds")
        assert key.read_text() == "content"
        with open(bytes(key), "rb") as file, io.open(key) as again:  # noqa: UP020  # another name of it
            assert (file.read(), again.read()) == (b"content", "content")
        assert os.listdir(TOKENS) == ["a.key"]
        assert [entry.name for entry in os.scandir(TOKENS)] == ["a.key"]
        assert os.path.getsize(f"{TOKENS}/../tokens/a.key") == 7
        assert os.path.islink(key) is False
        assert os.access(key, os.R_OK)
        assert not os.path.exists("/var/opt/azcmagentry")
    finally:
        Path(place_of(key)).unlink()


def place_of(path: Path) -> str:
    """Return where a file of the agent really is."""
    with open(path) as file:
        return os.readlink(f"/proc/self/fd/{file.fileno()}")


@pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="there is no /proc, which tells where an open file really is"
)
def test_the_real_folders_are_left_alone(place: Place, ask: Ask) -> None:
    """A key's file is in the run's private folder, which only this user can read."""
    real = place_of(challenge(ask))
    assert not real.startswith("/var/opt")
    folder = Path(real).parents[5]
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.slow
def test_child_processes_see_them(place: Place) -> None:
    """As long as they run Python."""
    program = "import os; print(os.path.exists('/opt/azcmagent/bin/himds'), os.listdir('/var/opt/azcmagent'))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["True", "['tokens']"]


def test_they_are_gone_afterwards(azcred: Azcred, tmp_path: Path) -> None:
    """Functions and folders are what they were, and shutil's careful ways work meanwhile."""
    before = (open, io.open, os.open, os.stat, os.scandir, os.listdir, os.lstat, os.access)
    with azcred.environment("azure-arc"):
        assert os.path.exists("/opt/azcmagent/bin/himds")
        assert open is not before[0]
        (tmp_path / "link").symlink_to("nowhere")
        shutil.copystat(tmp_path / "link", tmp_path / "link", follow_symlinks=False)
    assert (open, io.open, os.open, os.stat, os.scandir, os.listdir, os.lstat, os.access) == before
    assert not os.path.exists("/opt/azcmagent/bin/himds")


UNPRIVILEGED = """
import os, pytest_azcred
from azure.identity import ManagedIdentityCredential

assert os.getuid() != 0
assert not os.access("/var/opt", os.W_OK)
with pytest_azcred.environment("azure-arc") as azcred, ManagedIdentityCredential() as credential:
    credential.get_token("https://vault.azure.net/.default")
    assert azcred.place.statuses == [401, 200]
print("a token")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can run a program as another user")
def test_an_unprivileged_user_has_arc_too(tmp_path: Path) -> None:
    """Nothing is written where that user may not write."""
    nobody: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/"}
    for python in (sys.executable, shutil.which(f"python3.{sys.version_info.minor}", path=os.defpath)):
        try:
            subprocess.run([str(python), "--version"], **nobody, check=True)
        except OSError:
            continue
        break
    else:
        pytest.skip("another user than root cannot run this version of Python")
    result = subprocess.run(
        [str(python), "-c", UNPRIVILEGED],
        **nobody,
        env={"HOME": str(tmp_path), "PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stdout == "a token\n", result.stderr
