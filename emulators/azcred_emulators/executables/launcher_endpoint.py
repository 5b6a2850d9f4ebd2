"""The emulator to which the launchers of all executables send their calls, authenticated by a key of the run."""

import hmac
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.authority.service import Authority
from azcred_emulators.clock import Clock
from azcred_emulators.directory import contoso
from azcred_emulators.emulation.checkpoint import Undo, undo_all
from azcred_emulators.emulation.command import CommandResult
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.request import Request
from azcred_emulators.executables import launcher
from azcred_emulators.executables.azd.azd import AzureDeveloperCli
from azcred_emulators.executables.azure_cli.az import AzureCli
from azcred_emulators.executables.executable import Executable, Invocation
from azcred_emulators.executables.powershell.pwsh import PowerShell
from azcred_emulators.executables.token_client import TokenClient
from azcred_emulators.hosts.host import Host
from azcred_emulators.serving.tls import write_private

_PREFIX = "/azcred/executables/"
_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.?[\w-]*")
_LONGEST = 300  # characters of an argument in the journal; encoded PowerShell scripts have thousands


class Executables(Emulator):
    """The fake developer tools of a run, and the folder that puts them on PATH.

    `host` is where they find managed identities. `folder` is a private folder for their files. `address` returns the
    address at which launchers reach the emulator.
    """

    name = "executable"
    rules: Map = Map([Rule(f"{_PREFIX}<name>", methods=["POST"], endpoint="run")])

    def __init__(
        self, authority: Authority, host: Host, clock: Clock, folder: Path, address: Callable[[], tuple[str, int]]
    ) -> None:
        def client(application: str) -> TokenClient:
            return TokenClient(authority, host, clock, contoso.DEVELOPER_TOOLS[application])

        self.azure_cli: AzureCli = AzureCli(client("Microsoft Azure CLI"), folder / "azure-cli")
        self.azure_developer_cli: AzureDeveloperCli = AzureDeveloperCli(client("Microsoft Azure CLI"))
        self.powershell: PowerShell = PowerShell(client("Microsoft Azure PowerShell"))
        self.tools: Sequence[Executable] = (self.azure_cli, self.azure_developer_cli, self.powershell)
        self._tools: Mapping[str, Executable] = {name: tool for tool in self.tools for name in tool.names}
        self._folder = folder / "executables"
        self._address = address
        self._key = secrets.token_urlsafe(32)

    @property
    def state(self) -> Path:
        """The file that tells launchers where the emulator is; the variable `AZCRED_EXECUTABLES` may name it."""
        return self._folder / "emulator"

    def __getitem__(self, name: str) -> Executable:
        """Return the fake that is on PATH under this name, such as "az".

        Raises LookupError for a name that no fake has.
        """
        if name not in self._tools:
            raise LookupError(f"there is no fake {name!r}; there are {', '.join(self._tools)}")
        return self._tools[name]

    def install(self, *names: str) -> Path:
        """Put executables into a folder for PATH. One that is there already is left as it is.

        :param names: the executables, such as "az".
        :return: the folder.
        :raises LookupError: there is no such fake; then nothing is installed.
        """
        self._check(names)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        host, port = self._address()
        write_private(self.state, f"{host} {port} {self._key}\n".encode())
        for name in names:
            launcher.write(self._folder, name, self.state)
        return self._folder

    def uninstall(self, *names: str) -> Path:
        """Remove executables from the folder for PATH. One that is not there is ignored.

        :param names: the executables, such as "az".
        :return: the folder.
        :raises LookupError: there is no such fake; then nothing is removed.
        """
        self._check(names)
        for name in names:
            launcher.remove(self._folder, name)
        return self._folder

    def _check(self, names: Iterable[str]) -> None:
        for name in names:
            _ = self[name]

    def variables(self, *names: str, environ: Mapping[str, str] = os.environ) -> Mapping[str, str]:
        """Install executables and return the variables that a process needs to call them.

        :param names: the executables, such as "az".
        :param environ: the variables of the process.
        :return: `PATH`, and a variable that tells the fakes where the emulator is.
        :raises LookupError: there is no such fake.
        """
        folder = str(self.install(*names))
        others = [entry for entry in environ.get("PATH", os.defpath).split(os.pathsep) if entry != folder]
        return {"AZCRED_EXECUTABLES": str(self.state), "PATH": os.pathsep.join([folder, *others])}

    def is_installed(self, tool: Executable) -> bool:
        """Tell whether the folder for PATH has a tool, under any of its names."""
        return any(launcher.exists(self._folder, name) for name in tool.names)

    def serves(self, host: str, path: str) -> bool:
        """Serve the launchers' address on loopback."""
        return path.startswith(_PREFIX) and host in ("127.0.0.1", "localhost", "::1")

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Run an executable and return its result in the form that `launch.py` reads."""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not hmac.compare_digest(key.encode(), self._key.encode()):
            return _error(request, 401, "the emulator that answers is that of another run")
        tool = self._tools.get(values["name"])
        if tool is None:
            return _error(request, 404, f"the emulator has no fake {values['name']!r}")
        try:
            invocation = read_invocation(request.get_data())
        except ValueError:
            return _error(request, 400, "the emulator cannot read what this launcher sends")
        details = request.details
        visible = redacted(invocation.arguments, tool.secret_options)
        details["command"] = " ".join((values["name"], *visible))
        fault = None
        if not invocation.resume:  # a resumed call is not a new one
            for_token = invocation.arguments[: len(tool.token_command)] == tool.token_command
            fields = {"provider": tool.provider, "operation": "token" if for_token else None}
            fault = tool.faults.take(fields)
        run = partial(tool.run, invocation, details)
        if fault:
            details["fault"] = type(fault).__name__
        try:
            result = fault.apply_to_command(run) if fault else run()
        finally:  # what answers the tool has noted itself
            details.update(emulator=tool.provider, provider=tool.provider)
        if result.exit_code and not fault:
            error = result.stderr.strip().partition("\n")[0]
            for argument, replacement in zip(invocation.arguments, visible, strict=True):
                error = error.replace(argument, replacement) if argument != replacement else error
            details.setdefault("error", error or None)
        exit_code = None if result.resume else result.exit_code
        details["exit_code"] = exit_code
        return Response(result_bytes(result), content_type="application/octet-stream")

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer a request with another method or path."""
        return _error(request, error.code or 400, "the emulator cannot read what this launcher sends")

    def checkpoint(self) -> Undo:
        """Note the state and the faults of the tools, too."""
        tools = self.tools
        noted = (*(tool.checkpoint() for tool in tools), *(tool.faults.checkpoint() for tool in tools))
        return undo_all([super().checkpoint(), *noted])

    def reset(self) -> None:
        """Sign all accounts out, clear the faults, and take every executable off PATH."""
        for tool in self.tools:
            tool.faults.clear()
            tool.reset()
        self.uninstall(*self._tools)


def read_invocation(body: bytes) -> Invocation:
    """Read the request of `launch.py`; raises ValueError if it is malformed."""
    folder, resume, count, *rest = (os.fsdecode(part) for part in body.split(b"\0"))
    arguments, variables = rest[: int(count)], rest[int(count) :]
    environ = {name: value for name, _, value in (variable.partition("=") for variable in variables)}
    return Invocation(arguments=tuple(arguments), environ=environ, folder=folder, resume=resume)


def result_bytes(result: CommandResult) -> bytes:
    """Return a result in the form that `launch.py` reads."""
    stdout, stderr = (text.encode("utf-8", "surrogateescape") for text in (result.stdout, result.stderr))
    return f"{result.exit_code} {result.delay} {len(stdout)} {result.resume}\n".encode() + stdout + stderr


def redacted(arguments: Sequence[str], secret_options: Sequence[str]) -> list[str]:
    """Return arguments as the journal may show them: without secrets and tokens, and none longer than a few lines."""
    visible, hide = [], False
    for argument in arguments:
        option, equals, _ = argument.partition("=")
        if hide:
            argument = "***"
        elif equals and _is_secret(option, secret_options):
            argument = f"{option}=***"
        elif short := next((name for name in secret_options if len(name) == 2 and argument.startswith(name)), None):
            argument = argument if argument == short else f"{short}***"
        hide = not hide and _is_secret(argument, secret_options)
        text = _TOKEN.sub("***", argument)
        visible.append(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}...")
    return visible


def _is_secret(option: str, secret_options: Sequence[str]) -> bool:
    """Tell whether the value of an option is secret; the names of long options may be abbreviated."""
    return option in secret_options or (
        len(option) > 2 and option.startswith("--") and any(name.startswith(option) for name in secret_options)
    )


def _error(request: Request, status: int, reason: str) -> Response:
    request.details["error"] = reason
    return Response(reason, status=status, content_type="text/plain")
