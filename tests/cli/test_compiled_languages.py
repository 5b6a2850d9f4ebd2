"""Unmodified azidentity for Go and azure-identity for Java, through `azcred run`."""

import json
import shutil
from collections.abc import Callable

import jwt
import pytest
from support.azcred_run import ROOT, Ran

from azcred_emulators.environments import find

GO = ROOT / ".stamps" / "go" / "token"
JAVA = ROOT / ".stamps" / "java"
PLACES = ["virtual-machine", "kubernetes", "app-service", "on-premises-certificate", "developer-azure-cli"]
REQUEST = json.dumps({"credential": "DefaultAzureCredential", "scope": "https://vault.azure.net/.default"}) + "\n"


@pytest.mark.skipif(not GO.exists(), reason="the program in Go is not built; run: make test-go")
@pytest.mark.parametrize("name", PLACES)
def test_go(azcred_run: Callable[..., Ran], name: str) -> None:
    """Proxy and certificate authority in the variables are all that it needs."""
    check(azcred_run(str(GO), environments=(name,), input=REQUEST), name)


@pytest.mark.skipif(not (JAVA / "classes").exists(), reason="the program in Java is not built; run: make test-java")
@pytest.mark.skipif(not shutil.which("java"), reason="java is not installed")
@pytest.mark.parametrize("name", PLACES[:3])
def test_java(azcred_run: Callable[..., Ran], name: str) -> None:
    """The virtual machine takes proxy and trust store from JAVA_TOOL_OPTIONS."""
    check(
        azcred_run("java", "-cp", f"{JAVA}/classes:{JAVA}/lib/*", "Tokens", environments=(name,), input=REQUEST), name
    )


@pytest.mark.skipif(not shutil.which("java"), reason="java is not installed")
def test_javas_home_folder(azcred_run: Callable[..., Ran]) -> None:
    """The virtual machine does not go by HOME; its property leads to the same empty folder."""
    ran = azcred_run("sh", "-c", 'echo "home=$HOME"; exec java -XshowSettings:properties -version')
    home = ran.stdout.strip().removeprefix("home=")
    assert home.endswith("/home")
    assert f"user.home = {home}\n" in ran.stderr


def check(ran: Ran, name: str) -> None:
    """Check whose token there is, and who asked for it."""
    answer = json.loads(ran.stdout)
    assert answer.get("token"), answer
    place = find(name)
    claims = jwt.decode(answer["token"], options={"verify_signature": False})
    assert claims["upn"] == place.user if place.user else claims["appid"] == place.client_id
    assert [one["provider"] for one in ran.requests if one["operation"] == "token"][-1] == place.provider
