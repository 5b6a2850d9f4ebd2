"""Other mocking libraries in a test: which of them may have kept an app's requests from the emulators.

They stand in the place of an HTTP client, and answer or refuse everything that goes through it. Nothing is imported
here: a library that no test has imported did nothing. One whose `with` or decorator has ended when the report of a
failure is made is known by the error and by the frames that it came through.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from traceback import walk_tb
from types import FrameType, FunctionType, MethodType, ModuleType


@dataclass(frozen=True, slots=True)
class Library:
    """A mocking library.

    `stand_in` is the attribute that it replaces while it is active, as module and name, `refusal` a part of what it
    says to a request that it does not know, and `remedy` what leads requests on to the emulators.
    """

    name: str
    package: str
    stand_in: tuple[str, str]
    refusal: str
    remedy: str


LIBRARIES = (
    Library(
        "responses",
        package="responses",
        stand_in=("requests.adapters", "HTTPAdapter.send"),
        refusal="Connection refused by Responses",
        remedy='add `responses.add_passthru("http")`',
    ),
    Library(
        "requests-mock",
        package="requests_mock",
        stand_in=("requests", "Session.send"),
        refusal="No mock address",
        remedy="add `requests_mock.real_http = True`, or use `requests_mock.Mocker(real_http=True)`",
    ),
    Library(
        "aioresponses",
        package="aioresponses",
        stand_in=("aiohttp", "ClientSession._request"),
        refusal="Connection refused: ",
        remedy="use `aioresponses(passthrough_unmatched=True)`",
    ),
    Library(
        "vcrpy",
        package="vcr",
        stand_in=("http.client", "HTTPConnection"),
        refusal="cassette",
        remedy='configure `ignore_hosts=["login.microsoftonline.com", "169.254.169.254"], ignore_localhost=True`',
    ),
    Library(
        "respx",
        package="respx",
        stand_in=("httpcore", "ConnectionPool.handle_request"),
        refusal="RESPX: ",
        remedy='add `respx.route(host="login.microsoftonline.com").pass_through()`',
    ),
    Library(
        "pytest-httpx",
        package="pytest_httpx",
        stand_in=("httpx", "HTTPTransport.handle_request"),
        refusal="No response can be found for",
        remedy='mark the test with `@pytest.mark.httpx_mock(should_mock=lambda request: request.url.host == "...")`',
    ),
    Library(
        "pook",
        package="pook",
        stand_in=("urllib3.connectionpool", "HTTPConnectionPool.urlopen"),
        refusal="pook error",
        remedy="use `pook.use(network=True)`, or add `pook.enable_network()`",
    ),
    Library(
        "httpretty",
        package="httpretty",
        stand_in=("socket", "socket"),
        refusal="Failed to handle network request",
        remedy="get the token before `httpretty.enable()`, which cannot lead requests on",
    ),
    Library(
        "pytest-recording",
        package="pytest_recording",
        stand_in=("socket", "socket.connect"),
        refusal="Network is disabled for host",
        remedy='use `@pytest.mark.block_network(allowed_hosts=["127.0.0.1"])`',
    ),
    Library(
        "pytest-socket",
        package="pytest_socket",
        stand_in=("socket", "socket"),
        refusal="A test tried to use socket.socket",
        remedy="run with `--allow-hosts=127.0.0.1`, or let the test use the fixture `socket_enabled` first",
    ),
)


def explain_silence(error: BaseException | None) -> Sequence[str]:
    """Return sentences on what kept the requests of a failed test from the emulators, as far as that is known."""
    imported = [library for library in LIBRARIES if library.package in sys.modules]
    errors = list(_chain(error))
    return [
        f"The test uses {library.name}, which answers or refuses requests before they reach the emulators: "
        f"{library.remedy}."
        for library in imported
        if _stands_in(library) or any(_took_part(library, error) for error in errors)
    ]


def _stands_in(library: Library) -> bool:
    """Return whether the client's attribute is the library's at this moment."""
    module, name = library.stand_in
    with suppress(AttributeError, KeyError):
        value = reduce(getattr, name.split("."), sys.modules[module])
        effect = getattr(value, "side_effect", None)  # of a mock
        return _is_from(library, value) or _is_from(library, effect)
    return False


def _took_part(library: Library, error: BaseException) -> bool:
    """Return whether an error is the library's, quotes it, or came through a function that is or uses the library's."""
    with suppress(Exception):  # an app's error may fail to print
        if library.refusal in str(error):
            return True
    return any(_uses(library, frame) for frame, _ in walk_tb(error.__traceback__))


def _uses(library: Library, frame: FrameType) -> bool:
    if _belongs(library, frame.f_globals.get("__name__")):
        return True
    named = (frame.f_globals.get(name) for name in frame.f_code.co_names)
    return any(_is_from(library, value) for value in (*frame.f_locals.values(), *named))


def _is_from(library: Library, value: object) -> bool:
    """Return whether a module, class, function or object is the library's; foreign objects are not asked anything."""
    if isinstance(value, ModuleType):
        return _belongs(library, value.__name__)
    if isinstance(value, type | FunctionType):
        return _belongs(library, value.__module__)
    if isinstance(value, MethodType):
        return _is_from(library, value.__func__)
    return _belongs(library, type(value).__module__)


def _belongs(library: Library, module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] == library.package


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those behind it: causes, contexts, and the members of groups."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or any(one is other for other in found):
            continue
        found.append(one)
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    yield from found
