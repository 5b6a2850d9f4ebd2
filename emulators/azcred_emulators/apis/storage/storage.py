"""Azure Storage under the real names of accounts: judges bearer tokens, and passes requests on to Azurite."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import IO

from werkzeug.datastructures import Headers as ResponseHeaders
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from azcred_emulators.apis.storage.account import Account
from azcred_emulators.apis.storage.authorization import Authorization
from azcred_emulators.apis.storage.refusals import NAMED_REFUSALS, StorageError, respond, service_of
from azcred_emulators.apis.storage.table_batch import is_batch, with_account
from azcred_emulators.audiences import STORAGE_DOMAIN, STORAGE_SERVICES
from azcred_emulators.clock import Clock
from azcred_emulators.directory import Directory
from azcred_emulators.emulation.emulator import Emulator
from azcred_emulators.emulation.refusals import NamedRefusals
from azcred_emulators.emulation.request import Request
from azcred_emulators.serving.request_reader import Headers, header
from azcred_emulators.serving.upstream import end_to_end
from azcred_emulators.tokens import Tokens

_PIECE = 65536


class PassedOnResponse(Response):
    """An answer of Azurite's, as it is."""

    default_mimetype: str | None = None
    automatically_set_content_length = False
    autocorrect_location_header = False


class Storage(Emulator):
    """The accounts that Azurite holds. Shared keys and shared access signatures are Azurite's to judge."""

    name = "storage"
    uses_tls = True
    rules: Map = Map([Rule("/", endpoint="request"), Rule("/<path:path>", endpoint="request")])
    named_refusals: NamedRefusals | None = NAMED_REFUSALS

    def __init__(self, directory: Directory, tokens: Tokens, clock: Clock) -> None:
        self.authorization: Authorization = Authorization(directory, tokens, clock)
        self._accounts: dict[str, Account] = {}

    def add(self, accounts: Sequence[Account]) -> None:
        """Serve these accounts, whatever scopes begin and end, until they are removed.

        Raises ValueError if one of them is served already.
        """
        for account in accounts:
            if account.name in self._accounts:
                raise ValueError(f"another Azurite holds the account {account.name!r} already; give it another name")
        self._accounts.update({account.name: account for account in accounts})

    def remove(self, accounts: Sequence[Account]) -> None:
        """Serve these accounts no longer."""
        for account in accounts:
            del self._accounts[account.name]

    def serves(self, host: str, path: str) -> bool:
        """Serve every service of the accounts."""
        account, _, domain = host.lower().partition(".")
        service, _, rest = domain.partition(".")
        return account in self._accounts and rest == STORAGE_DOMAIN and service in STORAGE_SERVICES

    @property
    def operations(self) -> Collection[str]:
        """The services, which the journal calls operations."""
        return STORAGE_SERVICES

    def describe(self, request: Request, path: str) -> None:
        """Note what the request is, without a look at its body, which is data."""
        request.details["operation"] = service_of(request)

    def handle(self, request: Request, endpoint: str, values: Mapping[str, str]) -> Response:
        """Judge a bearer token, and let Azurite answer."""
        request.details["operation"] = service_of(request)
        account = self._accounts[request.host.partition(".")[0].lower()]
        headers: Headers = request.environ["azcred.headers"]
        try:
            scheme, _, token = header(headers, "authorization").partition(" ")
            bearer = None
            if scheme.lower() == "bearer":
                claims = self.authorization.check(account.name, token.strip(), request.details)
                bearer = account.bearer(str(claims.get("oid", "")), str(claims["tid"]))
            body, length = _body(request, headers)
            if service_of(request) == "dfs":
                from azcred_emulators.apis.storage import data_lake  # few need it, and it takes its time

                return data_lake.respond(request, headers, body, length, account, bearer)
            if bearer:
                headers = [(name, value) for name, value in headers if name.lower() != "authorization"]
                headers.append(("Authorization", bearer))
            return _pass_on(request, account, headers, body, length)
        except StorageError as error:
            return respond(request, error)

    def http_error(self, request: Request, error: HTTPException) -> Response:
        """Answer what HTTP rules out."""
        return respond(request, StorageError(error.name.replace(" ", ""), error.description, status=error.code))

    def stateful(self) -> Iterable[object]:
        """Return what a test may revoke and forbid; the accounts outlast it."""
        return (self.authorization,)

    def reset(self) -> None:
        """Forget what a test has revoked and forbidden."""
        self.authorization.reset()


def _body(request: Request, headers: Headers) -> tuple[Iterator[bytes], int | None]:
    """Return the pieces of a request's body and its length, None if it comes in chunks: Storage does not take that."""
    body: IO[bytes] = request.environ["wsgi.input"]
    length = None if header(headers, "transfer-encoding") else int(request.environ["CONTENT_LENGTH"])
    return iter(lambda: body.read(_PIECE), b""), length


def _pass_on(
    request: Request, account: Account, headers: Headers, body: Iterator[bytes], length: int | None
) -> Response:
    """Let Azurite answer a request as it is."""
    service, target = service_of(request), request.environ["REQUEST_URI"]
    if is_batch(service, target):
        batch = with_account(body, account.name)
        body, length = iter([batch]), len(batch)
    answer = account.send(service, request.method, target, headers, body, length)
    if answer.status >= 400:
        request.details["error"] = answer.header("x-ms-error-code") or None
    response = PassedOnResponse(answer, f"{answer.status} {answer.reason}", ResponseHeaders(end_to_end(answer.headers)))
    if announced := answer.header("Content-Length"):
        response.headers["Content-Length"] = announced
    response.call_on_close(answer.close)
    return response
