"""Azurite in the place of storage accounts: it stores what the app uploads, and judges the app's tokens.

Azurite is Microsoft's emulator of Azure Storage, a program of its own for Node.js. It goes by the machine's own
time, so it refuses the tokens of a test that has moved its clock.
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
from contextlib import closing
from functools import cached_property
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from azcred_emulators.audiences import BLOB_STORAGE
from azcred_emulators.emulators import Emulators
from azcred_emulators.serving.tls import NOT_AFTER, write_private

_START = 120.0  # seconds; Node.js takes two to load Azurite, many more on a busy machine
_ANSWER = 30.0
_STOP = 5.0
_LISTENS = re.compile(r"successfully listen\w* (?:on|at) https://[^:]+:(\d+)")
# Standard input ends with this process, however it ends, and so does Azurite: no run leaves one behind.
_END_WITH_INPUT = b'process.stdin.on("end", () => process.exit()).resume();\n'
_OPTIONS = ("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent", "--oauth", "basic")
_PROTOCOL = "2021-12-02"  # the version of the storage protocol that is spoken here
_NAME = re.compile("<Name>([^<]+)</Name>")


class AzuriteMissing(LookupError):
    """Azurite is not where it is looked for; the message says how to install it."""


class Azurite:
    """Azurite's Blob service with these accounts, as a context manager that runs it.

    ::

        with Azurite(emulators, "myaccount", executable=find_executable(root)) as azurite:
            azcred.route("myaccount.blob.core.windows.net", to=azurite.url)

    It holds everything in memory. `environ` is the environment to run it in, by default the present one.
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
        self._port = 0

    def __repr__(self) -> str:
        return f"<Azurite {', '.join(self.hosts)}>"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names of the accounts in Azure."""
        return tuple(f"{account}.{BLOB_STORAGE}" for account in self.accounts)

    @property
    def address(self) -> tuple[str, int]:
        """The local address and port to which routes from `hosts` lead.

        Raises RuntimeError while Azurite is not running.
        """
        if not self._port:
            raise RuntimeError("Azurite is not running; start() it, or use it as a context manager")
        return "127.0.0.1", self._port

    @property
    def url(self) -> str:
        """That address as a URL."""
        host, port = self.address
        return f"https://{host}:{port}"

    def start(self) -> None:
        """Run Azurite on a free port of the loopback interface and wait until it listens.

        Raises RuntimeError with what it printed if it does not come up.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="azurite-", dir=self._emulators.folder)
        try:
            self._port = self._run(Path(self._folder.name))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End Azurite and with it all that it holds."""
        process, self._process, self._port = self._process, None, 0
        if process is not None:
            try:
                process.communicate(timeout=_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    def _run(self, folder: Path) -> int:
        chain, key = self._emulators.certificate_authority.issue(*self.hosts, "127.0.0.1")
        certificate = write_private(folder / "azurite.crt", chain)
        private_key = write_private(folder / "azurite.key", key)
        preload = write_private(folder / "azurite.cjs", _END_WITH_INPUT)
        environ = self._environ | {
            "AZURITE_ACCOUNTS": ";".join(f"{account}:{self.key}" for account in self.accounts),
            "NODE_OPTIONS": f"{self._environ.get('NODE_OPTIONS', '')} --require {json.dumps(str(preload))}",
        }
        log = folder / "azurite.log"
        with log.open("wb") as errors:
            self._process = process = subprocess.Popen(  # noqa: S603  # the Azurite that the user has installed
                [
                    self._executable,
                    *("--blobHost", "127.0.0.1", "--blobPort", "0", "--cert", certificate, "--key", private_key),
                    *_OPTIONS,
                ],
                cwd=folder,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        printed = []
        deadline = threading.Timer(_START, process.kill)
        deadline.start()
        try:
            for line in process.stdout or ():
                if listens := _LISTENS.search(line):
                    return int(listens[1])
                printed.append(line)
        finally:
            deadline.cancel()
            deadline.join()
        raise RuntimeError(f"Azurite did not come up. It printed:\n{''.join(printed)}{log.read_text()}")

    def containers(self) -> set[str]:
        """Return the paths of all containers, such as "/myaccount/orders". Raises RuntimeError if Azurite refuses."""
        with self._connection() as connection:
            return {path for account in self.accounts for path in self._list(connection, account)}

    def clear(self, keep: Collection[str] = ()) -> None:
        """Delete every container of every account, but for those to `keep`, whose paths `containers` returns.

        Properties of the service itself, such as CORS rules, stay. Raises RuntimeError if Azurite refuses.
        """
        with self._connection() as connection:
            for account in self.accounts:
                while paths := [path for path in self._list(connection, account) if path not in keep]:
                    for path in paths:
                        container = f"{path}?restype=container"
                        if self._ask(connection, "DELETE", container, tolerated=412):  # it is leased
                            self._ask(connection, "PUT", f"{container}&comp=lease")
                            self._ask(connection, "DELETE", container)

    def _connection(self) -> closing[HTTPSConnection]:
        port = urlsplit(self.url).port
        context = ssl.create_default_context(cadata=self._emulators.certificate_authority.pem)
        return closing(HTTPSConnection("127.0.0.1", port, context=context, timeout=_ANSWER))

    def _list(self, connection: HTTPSConnection, account: str) -> list[str]:
        return [f"/{account}/{name}" for name in _NAME.findall(self._ask(connection, "GET", f"/{account}?comp=list"))]

    def _ask(self, connection: HTTPSConnection, method: str, path: str, *, tolerated: int = 0) -> str:
        """Send a request and return the body of the answer, which only lists and errors have."""
        headers = {"Authorization": f"Bearer {self._token}", "x-ms-version": _PROTOCOL}
        if method == "PUT":
            headers |= {"x-ms-lease-action": "break", "x-ms-lease-break-period": "0"}
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        body = response.read().decode()
        if response.status >= 400 and response.status != tolerated:
            raise RuntimeError(f"Azurite answered {method} {path} with {response.status}: {body}")
        return body

    @cached_property
    def _token(self) -> str:
        """A token of our own that Azurite takes at any time; it stands in no journal."""
        claims = {"aud": "https://storage.azure.com", "iss": "https://sts.windows.net/azcred/", "iat": 0, "nbf": 0}
        return self._emulators.tokens.mint(claims | {"exp": int(NOT_AFTER.timestamp())}).value

    def __enter__(self) -> "Azurite":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def find_executable(folder: Path, *, path: str | None = None) -> Path:
    """Return Azurite's `azurite-blob`, as npm puts it into a folder or one above it, or as found on a PATH.

    `path` is the PATH, by default this process's. Raises AzuriteMissing if there is none, or no Node.js.
    """
    path = os.environ.get("PATH", os.defpath) if path is None else path
    modules = [str(parent / "node_modules" / ".bin") for parent in (folder, *folder.parents)]
    executable = shutil.which("azurite-blob", path=os.pathsep.join([*modules, path]))
    if executable is None or shutil.which("node", path=path) is None:
        raise AzuriteMissing(
            f"Azurite is not installed: run `npm install azurite` (Node.js brings npm) in {folder}, "
            "or set the ini option azcred_azurite_executable to the path of its azurite-blob."
        )
    return Path(executable)
