"""az, azd and PowerShell, played by small scripts: azure-identity's credentials and ours."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from credentials.implementations import Implementation, kind_of
from freezegun import freeze_time

from pytest_azcred.credentials import (
    AzureCliCredential,
    AzureDeveloperCliCredential,
    AzurePowerShellCredential,
    CredentialUnavailableError,
)

pytestmark = pytest.mark.slow

VAULT = "https://vault.azure.net/.default"
TENANT = "11111111-1111-1111-1111-111111111111"
LATER = 4_000_000_000
AZ_TOKEN = json.dumps({"accessToken": "az-token", "expires_on": LATER, "tokenType": "Bearer"}, indent=2)
AZD_TOKEN = json.dumps({"token": "azd-token", "expiresOn": "2096-10-02T07:06:40Z"}, indent=2)
PWSH_TOKEN = f"\nazsdk%pwsh-token%{LATER}\n"
TOKENS = {"az": AZ_TOKEN, "azd": AZD_TOKEN, "pwsh": PWSH_TOKEN}
CREDENTIALS = {
    "az": "AzureCliCredential",
    "azd": "AzureDeveloperCliCredential",
    "pwsh": "AzurePowerShellCredential",
}


@dataclass
class Tools:
    """What is on PATH."""

    folder: Path

    def install(self, name: str, stdout: str = "", stderr: str = "", exit_code: int = 0, first: str = "") -> None:
        """Put a tool there that prints this; `first` are lines of shell that it runs before."""
        for stream, text in (("stdout", stdout), ("stderr", stderr)):
            (self.folder / f"{name}.{stream}").write_text(text)
        script = self.folder / name
        script.write_text(
            f"""#!/bin/sh
printf '%s\\0' "$PWD" "$AZURE_CORE_NO_COLOR" "$NO_COLOR" "$@" >> {self.folder}/{name}.calls
echo >> {self.folder}/{name}.calls
{first}
cat {self.folder}/{name}.stderr >&2
cat {self.folder}/{name}.stdout
exit {exit_code}
"""
        )
        script.chmod(0o700)

    def calls(self, name: str) -> list[list[str]]:
        """Return the folder, AZURE_CORE_NO_COLOR, NO_COLOR and the arguments of each call."""
        file = self.folder / f"{name}.calls"
        return [line.split("\0")[:-1] for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """No tool yet, besides those of a shell."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("cat", "echo", "sh", "sleep"):
        path = shutil.which(name, path=os.defpath)
        assert path
        (folder / name).symlink_to(path)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Tools(folder)


def credential(package: Implementation, tool: str, **keywords: Any) -> Any:
    """Make the credential that asks a tool."""
    return getattr(package, CREDENTIALS[tool])(**keywords)


CALLS: dict[str, tuple[str, dict[str, Any], dict[str, Any], list[str]]] = {
    "az": ("az", {}, {}, ["--resource", "https://vault.azure.net"]),
    "az in a tenant": ("az", {"tenant_id": TENANT}, {}, ["--resource", "https://vault.azure.net", "--tenant", TENANT]),
    "az in another tenant": (
        "az",
        {},
        {"tenant_id": TENANT},
        ["--resource", "https://vault.azure.net", "--tenant", TENANT],
    ),
    "az for a subscription": (
        "az",
        {"subscription": "My sub_1.0", "tenant_id": "a", "additionally_allowed_tenants": ["*"]},
        {"tenant_id": TENANT},
        ["--resource", "https://vault.azure.net", "--tenant", TENANT, "--subscription", "My sub_1.0"],
    ),
    "azd": ("azd", {}, {}, ["--scope", VAULT]),
    "azd in a tenant": ("azd", {"tenant_id": TENANT}, {}, ["--scope", VAULT, "--tenant-id", TENANT]),
    "azd with claims": (
        "azd",
        {},
        {"claims": '{"access_token": {}}'},
        ["--scope", VAULT, "--claims", base64.b64encode(b'{"access_token": {}}').decode()],
    ),
}
COMMANDS = {
    "az": ["account", "get-access-token", "--output", "json"],
    "azd": ["auth", "token", "--output", "json", "--no-prompt"],
}
VARIABLES = {"az": ["true", ""], "azd": ["", "true"]}


@pytest.mark.parametrize("call", CALLS)
def test_what_a_tool_is_called_with(package: Implementation, tools: Tools, call: str) -> None:
    """Arguments, variables and a folder in which nobody can have put anything."""
    tool, keywords, options, arguments = CALLS[call]
    tools.install(tool, TOKENS[tool])
    token = credential(package, tool, **keywords).get_token(VAULT, **options)
    assert (token.token, token.expires_on) == (f"{tool}-token", LATER)
    [(folder, *rest)] = tools.calls(tool)
    assert os.path.realpath(folder) == os.path.realpath("/bin")
    assert rest == [*VARIABLES[tool], *COMMANDS[tool], *arguments]


@pytest.mark.parametrize("options", [{}, {"tenant_id": TENANT}])
def test_what_powershell_is_called_with(package: Implementation, tools: Tools, options: dict[str, str]) -> None:
    """A script, in which the resource and the tenant are; our script is our own."""
    tools.install("pwsh", PWSH_TOKEN)
    token = credential(package, "pwsh").get_token(VAULT, **options)
    assert (token.token, token.expires_on) == ("pwsh-token", LATER)
    [(folder, _, _, *arguments)] = tools.calls("pwsh")
    assert os.path.realpath(folder) == os.path.realpath("/bin")
    assert arguments[:3] == ["-NoProfile", "-NonInteractive", "-EncodedCommand"]
    script = base64.b64decode(arguments[3]).decode("utf-16-le")
    assert "'ResourceUrl' = 'https://vault.azure.net'" in script
    assert ("Get-AzAccessToken" in script, TENANT in script) == (True, bool(options))


def test_several_scopes(package: Implementation, tools: Tools) -> None:
    """azd takes them, the others do not."""
    for tool, token in TOKENS.items():
        tools.install(tool, token)
    assert credential(package, "azd").get_token("scope-1", "scope-2").token == "azd-token"
    assert tools.calls("azd")[0][-4:] == ["--scope", "scope-1", "--scope", "scope-2"]
    for tool in ("az", "pwsh"):
        with pytest.raises(ValueError, match="exactly one scope"):
            credential(package, tool).get_token("scope-1", "scope-2")


@pytest.mark.parametrize("tool", TOKENS)
def test_a_tenant_that_is_not_allowed(package: Implementation, tools: Tools, tool: str) -> None:
    """If the credential has one of its own. The tool is not called."""
    tools.install(tool, TOKENS[tool])
    with pytest.raises(ClientAuthenticationError) as raised:
        credential(package, tool, tenant_id="mine").get_token(VAULT, tenant_id=TENANT)
    assert kind_of(raised.value) == "failed"
    assert tools.calls(tool) == []


@pytest.mark.parametrize("tool", TOKENS)
def test_arguments_that_are_malformed(package: Implementation, tools: Tools, tool: str) -> None:
    """They never reach a command line."""
    tools.install(tool, TOKENS[tool])
    with pytest.raises(ValueError, match=r"."):
        credential(package, tool, tenant_id="mine'; exit")
    with pytest.raises(ValueError, match=r"."):
        credential(package, tool).get_token(VAULT, tenant_id="mine & exit")
    with pytest.raises(ValueError, match=r"."):
        credential(package, tool).get_token("scope'; exit")
    if tool == "az":
        with pytest.raises(ValueError, match="subscription"):
            credential(package, tool, subscription="mine; exit")
    assert tools.calls(tool) == []


JSON_LINE = json.dumps({"type": "consoleMessage", "data": {"message": "\nERROR: fetching token: AADSTS50076\n"}})
NEWER_LINE = json.dumps({"error": "fetching token: AADSTS50076", "suggestion": "sign in"})

# What a tool says, what that is by itself, what that is in the default chain, and how both put it.
ANSWERS: dict[str, tuple[str, dict[str, Any], str, str, str]] = {
    "az: nobody has signed in": (
        "az",
        {"stderr": "ERROR: Please run 'az login' to setup account.\n", "exit_code": 1},
        "unavailable",
        "unavailable",
        "^Please run 'az login' to set up an account",
    ),
    "az: no such subscription": (
        "az",
        {"stderr": "ERROR: Please run 'az account set' to select one.\n", "exit_code": 1},
        "unavailable",
        "unavailable",
        "^Please run 'az login' to set up an account",
    ),
    "az: the session has expired": (
        "az",
        {"stderr": "ERROR: AADSTS70043: The refresh token has expired.\nRun: az login --scope x\n", "exit_code": 1},
        "failed",
        "unavailable",
        "AADSTS70043: The refresh token has expired",
    ),
    "az: not there after all": ("az", {"exit_code": 127}, "unavailable", "unavailable", "Azure CLI not found on path"),
    "az: an error without a word": ("az", {"exit_code": 2}, "failed", "unavailable", "Failed to invoke Azure CLI"),
    "az: noise before the token": (
        "az",
        {"stdout": f"WARNING: update\n{AZ_TOKEN}"},
        "failed",
        "unavailable",
        "Unexpected output from Azure CLI",
    ),
    "az: warnings beside the token": ("az", {"stdout": AZ_TOKEN, "stderr": "WARNING: update"}, "", "", ""),
    "az: an expiry that is text": (
        "az",
        {"stdout": '{"accessToken": "az-token", "expires_on": "4000000000"}'},
        "",
        "",
        "",
    ),
    "az: no expiry": (
        "az",
        {"stdout": '{"accessToken": "secret"}'},
        "failed",
        "unavailable",
        "Unexpected output from Azure CLI",
    ),
    "az: nothing at all": ("az", {"stdout": ""}, "failed", "unavailable", "Unexpected output from Azure CLI"),
    "azd: nobody has signed in": (
        "azd",
        {
            "stderr": json.dumps({"data": {"message": "\nERROR: not logged in, run `azd auth login` to login\n"}}),
            "exit_code": 1,
        },
        "unavailable",
        "unavailable",
        "^Please run 'azd auth login' from a command prompt",
    ),
    "azd: the session has expired": (
        "azd",
        {"stderr": JSON_LINE, "exit_code": 1},
        "failed",
        "unavailable",
        "^(ERROR: )?fetching token: AADSTS50076$",
    ),
    "azd: the same from a newer one": (
        "azd",
        {"stderr": f'{{"type": "consoleMessage", "data": {{"message": "\\n"}}}}\n{NEWER_LINE}', "exit_code": 1},
        "failed",
        "unavailable",
        "^fetching token: AADSTS50076$",
    ),
    "azd: an error in plain text": (
        "azd",
        {"stderr": "ERROR: no", "exit_code": 1},
        "failed",
        "unavailable",
        "ERROR: no",
    ),
    "azd: an error without a word": (
        "azd",
        {"exit_code": 1},
        "failed",
        "unavailable",
        "Failed to invoke Azure Developer CLI",
    ),
    "azd: too old for claims": (
        "azd",
        {"stderr": "ERROR: unknown flag: --claims", "exit_code": 1},
        "unavailable",
        "unavailable",
        r"1\.18\.1",
    ),
    "azd: an error instead of a token": (
        "azd",
        {"stdout": JSON_LINE},
        "failed",
        "unavailable",
        "ERROR: fetching token: AADSTS50076",
    ),
    "azd: garbage": (
        "azd",
        {"stdout": "garbage"},
        "failed",
        "unavailable",
        "Unexpected output from Azure Developer CLI",
    ),
    "pwsh: nobody has signed in": (
        "pwsh",
        {"stderr": "Get-AzAccessToken: Run Connect-AzAccount to login.", "exit_code": 1},
        "unavailable",
        "unavailable",
        'Please run "Connect-AzAccount" to set up account',
    ),
    "pwsh: no module": (
        "pwsh",
        {"stdout": "NO_AZ_ACCOUNT_MODULE\n"},
        "unavailable",
        "unavailable",
        r"Az.Account module >= 2\.2\.0 is not installed",
    ),
    "pwsh: blocked by policy": (
        "pwsh",
        {"stderr": "AuthorizationManager check failed.", "exit_code": 1},
        "unavailable",
        "unavailable",
        "Execution policy prevented invoking Azure PowerShell",
    ),
    "pwsh: another error": (
        "pwsh",
        {"stderr": "boom", "exit_code": 1},
        "unavailable",
        "unavailable",
        "Failed to invoke",
    ),
    "pwsh: not there after all": (
        "pwsh",
        {"exit_code": 127},
        "unavailable",
        "unavailable",
        "PowerShell is not installed",
    ),
    "pwsh: a token among noise": ("pwsh", {"stdout": f"WARNING: update\n{PWSH_TOKEN}", "stderr": "hm"}, "", "", ""),
    "pwsh: garbage": ("pwsh", {"stdout": "token"}, "failed", "unavailable", "Unexpected output"),
}


@pytest.mark.parametrize("situation", ANSWERS)
def test_what_a_tools_answer_is(package: Implementation, tools: Tools, situation: str) -> None:
    """A token, unavailable or failed."""
    tool, answer, expected, _, text = ANSWERS[situation]
    tools.install(tool, **answer)
    made = credential(package, tool)
    if not expected:
        assert made.get_token(VAULT).token == f"{tool}-token"
        return
    with pytest.raises(ClientAuthenticationError, match=text) as raised:
        made.get_token(VAULT)
    assert kind_of(raised.value) == expected
    if package.is_ours:
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize("situation", ANSWERS)
def test_what_a_tools_answer_is_in_the_default_chain(package: Implementation, tools: Tools, situation: str) -> None:
    """There nobody asked for this tool, so the next credential may try."""
    tool, answer, _, expected, text = ANSWERS[situation]
    tools.install(tool, **answer)
    others = {"az": "cli", "pwsh": "powershell", "azd": "developer_cli"}
    keep = {f"exclude_{keyword}_credential": name != tool for name, keyword in others.items()}
    left_out = ("environment", "workload_identity", "managed_identity", "shared_token_cache", "visual_studio_code")
    leave_out = {f"exclude_{name}_credential": True for name in (*left_out, "broker")}
    chain = package.DefaultAzureCredential(**leave_out, **keep)
    if not expected:
        assert chain.get_token(VAULT).token == f"{tool}-token"
        return
    with pytest.raises(ClientAuthenticationError, match=text.strip("^$")) as raised:
        chain.get_token(VAULT)
    assert raised.value.__cause__ is None  # as it would be if the tool had failed


@pytest.mark.parametrize("tool", TOKENS)
def test_a_tool_that_is_not_there(package: Implementation, tools: Tools, tool: str) -> None:
    """Unavailable."""
    with pytest.raises(
        ClientAuthenticationError, match=r"not found on path|could not be found|is not installed"
    ) as raised:
        credential(package, tool).get_token(VAULT)
    assert kind_of(raised.value) == "unavailable"


@pytest.mark.parametrize("tool", ["az", "azd"])
def test_a_tool_that_cannot_be_started(package: Implementation, tools: Tools, tool: str) -> None:
    """Unavailable."""
    tools.install(tool)
    (tools.folder / tool).write_text("#!/nowhere/interpreter\n")
    with pytest.raises(ClientAuthenticationError, match="Failed to execute") as raised:
        credential(package, tool).get_token(VAULT)
    assert kind_of(raised.value) == "unavailable"


@pytest.mark.parametrize("tool", ["az", "pwsh"])
def test_claims_take_a_person(package: Implementation, tools: Tools, tool: str) -> None:
    """Unavailable, with the command to run; the tool is not called."""
    tools.install(tool, TOKENS[tool])
    claims = '{"access_token": {"nbf": {"value": "1"}}}'
    with pytest.raises(ClientAuthenticationError) as raised:
        credential(package, tool).get_token(VAULT, claims=claims, tenant_id=TENANT)
    assert kind_of(raised.value) == "unavailable"
    encoded = base64.b64encode(claims.encode()).decode()
    command = {
        "az": f"az login --claims-challenge {encoded} --tenant {TENANT} --scope {VAULT}",
        "pwsh": f"Connect-AzAccount -ClaimsChallenge {encoded} -Tenant {TENANT}",
    }
    assert command[tool] in str(raised.value)
    assert tools.calls(tool) == []


@pytest.mark.parametrize("tool", TOKENS)
def test_a_tool_that_hangs(package: Implementation, tools: Tools, tool: str) -> None:
    """Unavailable when its time is up."""
    if (package.name, tool) == ("azure-identity", "pwsh"):
        pytest.skip("azure-identity leaves a PowerShell that it kills to the garbage collector: see tests/interop")
    tools.install(tool, first="exec sleep 60")
    began = time.monotonic()
    with pytest.raises(ClientAuthenticationError, match="Failed to invoke") as raised:
        credential(package, tool, process_timeout=1).get_token(VAULT)
    assert kind_of(raised.value) == "unavailable"
    assert time.monotonic() - began < 20


def functions(frame: FrameType | None) -> set[str]:
    """Return the names of the functions that a thread is in."""
    names = set()
    while frame:
        names.add(frame.f_code.co_name)
        frame = frame.f_back
    return names


def ends(pid: int) -> bool:
    """Tell whether a process has ended, or does so within ten seconds: who was killed may take a moment."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 10)[0])
    finally:
        os.close(descriptor)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to see when a process ends")
@pytest.mark.parametrize("tool", TOKENS)
def test_nothing_is_left_of_a_tool_that_hangs(tools: Tools, tool: str) -> None:
    """Ours kills all that it started; with azure-identity they live on, and hold the caller up as long."""
    tools.install(tool, first=f"sleep 300 & echo $! > {tools.folder}/child; wait")
    kinds: dict[str, Callable[..., Any]] = {
        "az": AzureCliCredential,
        "azd": AzureDeveloperCliCredential,
        "pwsh": AzurePowerShellCredential,
    }
    with (
        kinds[tool](process_timeout=2) as made,
        pytest.raises(CredentialUnavailableError, match="did not answer within 2 s"),
    ):
        made.get_token(VAULT)
    assert ends(int((tools.folder / "child").read_text()))


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to see when a process ends")
def test_nothing_is_left_of_a_tool_when_the_app_is_interrupted(tools: Tools) -> None:
    """Ours: Ctrl-C reaches the app alone, which ends the tool."""
    gate = tools.folder / "gate"
    os.mkfifo(gate)
    tools.install("az", first=f"sleep 300 & echo $! > {gate}; wait")
    children: list[int] = []
    interrupted = threading.Event()

    def once(*_: object) -> None:
        if not interrupted.is_set():
            interrupted.set()
            raise KeyboardInterrupt

    def interrupt() -> None:
        children.append(int(gate.read_text()))  # waits until the tool writes it
        while "communicate" not in functions(sys._current_frames()[threading.main_thread().ident or 0]):
            pass  # the app may still be busy starting it
        while not interrupted.wait(0.1):  # Python misses a signal that comes just before a system call until its end
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, once)
    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    try:
        with AzureCliCredential(process_timeout=60) as made, pytest.raises(KeyboardInterrupt):
            made.get_token(VAULT)
        interrupting.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert ends(children[0])


@pytest.mark.skipif(shutil.which("setsid", path=os.defpath) is None, reason="needs setsid")
def test_what_has_left_the_group_does_not_hold_us_up(tools: Tools) -> None:
    """It keeps the pipes open."""
    setsid = shutil.which("setsid", path=os.defpath)
    tools.install("az", first=f"{setsid} sleep 30 & echo $! > {tools.folder}/child; exec sleep 30")
    began = time.monotonic()
    with AzureCliCredential(process_timeout=2) as made, pytest.raises(CredentialUnavailableError):
        made.get_token(VAULT)
    assert time.monotonic() - began < 20
    os.kill(int((tools.folder / "child").read_text()), 9)


@pytest.mark.parametrize("tool", TOKENS)
def test_our_token_is_kept(tools: Tools, tool: str) -> None:
    """Until it nears its expiry, for each tenant; azure-identity calls the tool each time."""
    tools.install(tool, TOKENS[tool])
    kinds: dict[str, Callable[..., Any]] = {
        "az": AzureCliCredential,
        "azd": AzureDeveloperCliCredential,
        "pwsh": AzurePowerShellCredential,
    }
    with kinds[tool]() as made:
        for _ in range(3):
            made.get_token(VAULT)
            made.get_token(VAULT, enable_cae=True)
        assert len(tools.calls(tool)) == 1
        made.get_token(VAULT, tenant_id=TENANT)
        assert len(tools.calls(tool)) == 2
        with freeze_time("2096-10-02T07:06:40Z"):
            made.get_token(VAULT)
        assert len(tools.calls(tool)) == 3


def test_many_threads_share_one_process(tools: Tools) -> None:
    """And its token, or its error."""
    gate = tools.folder / "gate"
    os.mkfifo(gate)
    tools.install("az", AZ_TOKEN, first=f"read line < {gate}")
    barrier = threading.Barrier(9)

    def ask(made: AzureCliCredential) -> str:
        barrier.wait()
        return made.get_token(VAULT).token

    with AzureCliCredential() as made, ThreadPoolExecutor(8) as pool:
        tokens = [pool.submit(ask, made) for _ in range(8)]
        barrier.wait()
        gate.write_text("go\n")  # waits until the tool reads it
        assert {token.result() for token in tokens} == {"az-token"}
    assert len(tools.calls("az")) == 1


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "UTC"])
def test_the_time_of_azd_is_utc(tools: Tools, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    """As the Z says. azure-identity takes it for the local time: in New York its token lives hours too long."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        tools.install("azd", AZD_TOKEN)
        with AzureDeveloperCliCredential() as made:
            assert made.get_token(VAULT).expires_on == LATER
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


@pytest.mark.parametrize("zone", ["America/New_York", "UTC"])
def test_an_old_az_says_only_the_local_time(
    package: Implementation, tools: Tools, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    """Which is that of the machine."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        local = "2096-10-02 03:06:40.000000" if zone == "America/New_York" else "2096-10-02 07:06:40.000000"
        tools.install("az", json.dumps({"accessToken": "az-token", "expiresOn": local}))
        assert credential(package, "az").get_token(VAULT).expires_on == LATER
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_our_messages_hold_no_token(tools: Tools) -> None:
    """Whatever the tool prints."""
    token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL3ZhdWx0In0.c2ln"
    for tool, kind in (("az", AzureCliCredential), ("azd", AzureDeveloperCliCredential)):
        for shape in (f'{{"accessToken" : "{token}"', f'"token":"{token}"', f"token={token}", f"azsdk%{token}%x"):
            for stream, exit_code in (("stdout", 0), ("stderr", 1)):
                tools.install(tool, **{stream: shape}, exit_code=exit_code)
                with kind() as made, pytest.raises(ClientAuthenticationError) as raised:
                    made.get_token(VAULT)
                assert "eyJ" not in str(raised.value)
