"""Azurite in the place of storage accounts: it stores what the app uploads, while the emulators judge the app's tokens.

Azurite is Microsoft's emulator of Azure Storage, a program of its own for Node.js. The emulator `storage` stands before
it, and each request that it passes on sets the program's clock.
"""

import base64
import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azcred_emulators.audiences import STORAGE_DOMAIN, STORAGE_SERVICES
from azcred_emulators.directory import Principal, User
from azcred_emulators.emulators import Emulators
from azcred_emulators.serving.tls import write_private

if TYPE_CHECKING:
    from azcred_emulators.apis.storage.account import Account
    from azcred_emulators.emulation.script import Faults
    from azcred_emulators.serving.upstream import Upstream

_START = 120.0  # seconds; Node.js takes two to load Azurite, many more on a busy machine
_STOP = 5.0
_OLDEST = (3, 37)  # it knows the signatures of user-delegation SAS that the clients of 2026 make
_LISTENS = re.compile(r"Azurite (Blob|Queue|Table) service.*successfully listen\w* (?:on|at) https://[^:]+:(\d+)")
_VERSION = re.compile(r"Azurite-Blob/(\d+)\.(\d+)\S*")
_OPTIONS = ("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent", "--oauth", "basic")
# Standard input ends with this process, however it ends, and so does Azurite: no run leaves one behind. Its time is
# that of the last request that says one.
_PRELOAD = b"""
const Real = Date;
let ahead = 0;
const now = () => Real.now() + ahead;
globalThis.Date = new Proxy(Real, {
  apply: () => new Real(now()).toString(),
  construct: (date, values, made) => Reflect.construct(date, values.length ? values : [now()], made),
  get: (date, name) => (name === "now" ? now : Reflect.get(date, name)),
});
Real.prototype.constructor = globalThis.Date;
require("diagnostics_channel").subscribe("http.server.request.start", ({ request }) => {
  const time = request.headers["azcred-time"];
  if (time) ahead = Number(time) - Real.now();
});
process.stdin.on("end", () => process.exit()).resume();
"""


class AzuriteMissing(LookupError):
    """Azurite is not where it is looked for; the message says how to install it."""


class AzuriteTooOld(RuntimeError):
    """Azurite is there, and too old; the message says how to update it."""


class Azurite:
    """Azurite's Blob, Queue and Table services with these accounts, as a context manager that runs it.

    ::

        with Azurite(emulators, "myaccount", executable=find_executable(root)) as azurite:
            for host in azurite.hosts:
                azcred.route(host, to=azurite.url)

    It holds everything in memory.

    :param emulators: those that stand before it.
    :param accounts: the names of the accounts, such as "myaccount".
    :param executable: the path of Azurite's program `azurite`.
    :param environ: the variables of its process, by default those of this one.
    :ivar accounts: the names of the accounts.
    :ivar key: their shared key, in Base64.
    """

    def __init__(
        self, emulators: Emulators, *accounts: str, executable: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        if not accounts:
            raise TypeError('Azurite() takes at least one account, such as "myaccount"')
        self.accounts = accounts
        self.key: str = base64.b64encode(secrets.token_bytes(64)).decode()
        self._emulators = emulators
        self._executable = executable
        self._environ = dict(os.environ if environ is None else environ)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._upstreams: Mapping[str, Upstream] = {}
        self._served: list[Account] = []

    def __repr__(self) -> str:
        return f"<Azurite {', '.join(self.accounts)}>"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names of the accounts in Azure."""
        return tuple(
            f"{account}.{service}.{STORAGE_DOMAIN}" for account in self.accounts for service in STORAGE_SERVICES
        )

    @property
    def address(self) -> tuple[str, int]:
        """The local address and port to which routes from `hosts` lead: the emulators'.

        :raises RuntimeError: Azurite is not running.
        """
        if not self._served:
            raise RuntimeError("Azurite is not running; start() it, or use it as a context manager")
        return self._emulators.https.address

    @property
    def url(self) -> str:
        """That address as a URL."""
        host, port = self.address
        return f"https://{host}:{port}"

    def connection_string(self, account: str | None = None) -> str:
        """Return the connection string with the shared key of an account.

        :param account: its name, by default that of the first.
        :return: what clients take as a connection string.
        :raises LookupError: the account is not among `accounts`.
        """
        name = self.accounts[0] if account is None else account
        if name not in self.accounts:
            raise LookupError(f"Azurite has no account {name!r}; it has {', '.join(self.accounts)}")
        return (
            f"DefaultEndpointsProtocol=https;AccountName={name};AccountKey={self.key};EndpointSuffix={STORAGE_DOMAIN}"
        )

    @property
    def faults(self) -> "Faults[Any]":
        """The faults of the next requests to the accounts; `Throttle` is Storage's own 503."""
        return self._emulators.storage.faults

    def forbid(self, identity: Principal | User) -> None:
        """Refuse an identity until the end of the scope, as if it had no role that lets it use the data: a 403.

        :param identity: an application, managed identity or user of the directory, such as `place.identity`.
        """
        self._emulators.storage.authorization.forbid(identity)

    def revoke(self) -> None:
        """Challenge clients whose tokens were issued before now, if these announce that they can handle it (CP1)."""
        self._emulators.storage.authorization.revoke()

    def start(self) -> None:
        """Run Azurite on free ports of the loopback interface, wait until it listens, and serve its accounts.

        :raises RuntimeError: it does not come up; the message has what it printed.
        :raises AzuriteTooOld: it does, and is too old.
        :raises ValueError: another Azurite has one of the accounts.
        """
        from azcred_emulators.apis.storage.account import Account

        self._folder = tempfile.TemporaryDirectory(prefix="azurite-", dir=self._emulators.folder)
        try:
            self._upstreams = self._run(Path(self._folder.name))
            clock, sign = self._emulators.clock, self._emulators.tokens.key.sign
            accounts = [Account(name, self.key, self._upstreams, clock, sign) for name in self.accounts]
            self._check_version(accounts[0])
            self._emulators.storage.add(accounts)
            self._served = accounts
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End Azurite and with it all that it holds."""
        served, self._served = self._served, []
        self._emulators.storage.remove(served)
        for upstream in self._upstreams.values():
            upstream.close()
        process, self._process = self._process, None
        if process is not None:
            try:
                process.communicate(timeout=_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    def contents(self) -> set[str]:
        """Return the URLs of all containers, queues and tables.

        :return: URLs such as "https://myaccount.queue.core.windows.net/jobs".
        :raises RuntimeError: Azurite refuses to list them.
        """
        from azcred_emulators.apis.storage import contents

        return {url for account in self._served for url in contents.contents(account)}

    def clear(self, keep: Collection[str] = ()) -> None:
        """Delete every container, queue and table of every account.

        Properties of the services themselves, such as CORS rules, stay.

        :param keep: the URLs of those that are not deleted, as `contents` returns them.
        :raises RuntimeError: Azurite refuses to delete one.
        """
        from azcred_emulators.apis.storage import contents

        for account in self._served:
            contents.clear(account, keep)

    def _check_version(self, account: "Account") -> None:
        answer = account.ask("blob", "GET", "/?comp=list")
        answer.read()
        version = _VERSION.search(answer.header("Server"))
        if version is None or (int(version[1]), int(version[2])) < _OLDEST:
            found = version[0].partition("/")[2] if version else "of an unknown version"
            raise AzuriteTooOld(
                f"Azurite is {found}, and {'.'.join(map(str, _OLDEST))} or later is needed: "
                "run `npm install azurite@latest`"
            )

    def _run(self, folder: Path) -> "Mapping[str, Upstream]":
        from azcred_emulators.serving.upstream import Upstream

        chain, key = self._emulators.certificate_authority.issue("127.0.0.1")
        certificate = write_private(folder / "azurite.crt", chain)
        private_key = write_private(folder / "azurite.key", key)
        preload = write_private(folder / "azurite.cjs", _PRELOAD)
        environ = self._environ | {
            "AZURITE_ACCOUNTS": ";".join(f"{account}:{self.key}" for account in self.accounts),
            "NODE_OPTIONS": f"{self._environ.get('NODE_OPTIONS', '')} --require {json.dumps(str(preload))}",
        }
        ports = (
            f"--{service}{what}" for service in ("blob", "queue", "table") for what in ("Host=127.0.0.1", "Port=0")
        )
        log = folder / "azurite.log"
        with log.open("wb") as errors:
            self._process = process = subprocess.Popen(  # noqa: S603  # the Azurite that the user has installed
                [self._executable, *ports, "--cert", certificate, "--key", private_key, *_OPTIONS],
                cwd=folder,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        context = ssl.create_default_context(cadata=self._emulators.certificate_authority.pem)
        upstreams: dict[str, Upstream] = {}
        printed = []
        deadline = threading.Timer(_START, process.kill)
        deadline.start()
        try:
            for line in process.stdout or ():
                printed.append(line)
                if listens := _LISTENS.search(line):
                    upstreams[listens[1].lower()] = Upstream(("127.0.0.1", int(listens[2])), context)
                    if len(upstreams) == 3:
                        return upstreams
        finally:
            deadline.cancel()
            deadline.join()
        raise RuntimeError(f"Azurite did not start. It printed:\n{''.join(printed)}{log.read_text()}")

    def __enter__(self) -> "Azurite":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def find_executable(folder: Path, *, path: str | None = None) -> Path:
    """Return Azurite's `azurite`, as npm puts it into a folder or one above it, or as found on a PATH.

    `path` is the PATH, by default this process's. Raises AzuriteMissing if there is none, or no Node.js.
    """
    path = os.environ.get("PATH", os.defpath) if path is None else path
    modules = [str(parent / "node_modules" / ".bin") for parent in (folder, *folder.parents)]
    executable = shutil.which("azurite", path=os.pathsep.join([*modules, path]))
    if executable is None or shutil.which("node", path=path) is None:
        raise AzuriteMissing(
            f"Azurite is not installed: run `npm install azurite` (Node.js brings npm) in {folder}, "
            "or set the ini option azcred_azurite_executable to the path of its program azurite."
        )
    return Path(executable)
