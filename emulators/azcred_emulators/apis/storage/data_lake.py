"""Azure Data Lake Storage at the `dfs` host of an account, by operations on blobs: a thin front and no more.

Source: "Azure Data Lake Store REST API" (Path - Create, Update, List, Delete; Filesystem - Create, Delete).
"""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from werkzeug.wrappers import Response

from azcred_emulators.apis.storage.account import Account
from azcred_emulators.apis.storage.file_system import FileSystem, Path
from azcred_emulators.apis.storage.refusals import StorageError
from azcred_emulators.apis.storage.shared_key import is_signed
from azcred_emulators.emulation.request import Request, json_response
from azcred_emulators.serving.request_reader import Headers, header
from azcred_emulators.serving.upstream import UpstreamAnswer

_CONTENT = {
    f"x-ms-{name}": f"x-ms-blob-{name}"
    for name in ("cache-control", "content-type", "content-encoding", "content-language", "content-disposition")
}
_PASSED_ON = frozenset(
    {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "x-ms-lease-id", "x-ms-client-request-id"}
)
_NOT_EMULATED_HEADERS = (
    *("x-ms-acl", "x-ms-owner", "x-ms-group", "x-ms-permissions", "x-ms-umask", "x-ms-lease-action"),
    *("x-ms-encryption-key", "x-ms-encryption-context", "x-ms-expiry-option", "x-ms-structured-body"),
)
_NOT_EMULATED_PARAMETERS = ("beginFrom",)
# All that are read here or make no difference; others are a shared access signature's.
_PARAMETERS = frozenset(
    {"action", "close", "continuation", "directory", "flush", "maxResults", "mode", "paginated", "position"}
    | {"recursive", "resource", "retainUncommittedData", "timeout", "upn", *_NOT_EMULATED_PARAMETERS}
)
_PAGE = 5000  # paths


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRequest:
    """A request for a path of a file system.

    `open_file_system` returns the one with a name, for the sender of the request.
    """

    request: Request
    headers: Headers
    body: Iterable[bytes]
    length: int | None
    open_file_system: Callable[[str], FileSystem]
    file_system: FileSystem
    path: str

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of the query."""
        return self.request.args

    def passed_on(self) -> Headers:
        """Return the headers that mean the same for a blob, and those that have another name there."""
        own = [(name, value) for name, value in self.headers if name.lower() in _PASSED_ON]
        content = [(_CONTENT[name.lower()], value) for name, value in self.headers if name.lower() in _CONTENT]
        return own + content


def respond(
    request: Request, headers: Headers, body: Iterable[bytes], length: int | None, account: Account, bearer: str | None
) -> Response:
    """Answer a request for an account; raises StorageError, also for what is not emulated.

    `bearer` is the Authorization header for Azurite of somebody whose token has been judged.
    """
    name, _, path = request.environ["REQUEST_URI"].partition("?")[0][1:].partition("/")
    authorized, signature = _authorized(request, headers, account, bearer)

    def open_file_system(name: str) -> FileSystem:
        return FileSystem(account, name, authorized, signature)

    operation = _operation(request, headers, is_root=not path.strip("/"))
    refused = [each for each in _NOT_EMULATED_HEADERS if header(headers, each)]
    refused += [each for each in _NOT_EMULATED_PARAMETERS if each in request.args]
    if operation is None or refused:
        what = f"{request.method} with {' and '.join(refused) or _shown(request)}"
        raise StorageError(
            "FeatureNotSupported",
            f"azcred's front of Data Lake Storage creates, appends, flushes, lists, renames and deletes; not {what}",
            status=501,
        )
    return operation(
        PathRequest(
            request=request,
            headers=headers,
            body=body,
            length=length,
            open_file_system=open_file_system,
            file_system=open_file_system(name),
            path=unquote(path).strip("/"),
        )
    )


def _authorized(request: Request, headers: Headers, account: Account, bearer: str | None) -> tuple[Headers, str]:
    """Return the headers and the query by which the sender of a request may use blobs.

    Of somebody with the account's key the signature is checked here: it is not that of the requests for blobs. A shared
    access signature goes with these, and is Azurite's to judge. Raises StorageError.
    """
    target = request.environ["REQUEST_URI"]
    if bearer is None and header(headers, "authorization"):
        if not is_signed(request.method, target, headers, account.name, account.key):
            raise StorageError("AuthenticationFailed")
        bearer = account.bearer()
    version = header(headers, "x-ms-version")
    authorized = [("x-ms-version", version)] if version else []
    if bearer:
        return [*authorized, ("Authorization", bearer)], ""
    parameters = target.partition("?")[2].split("&")
    return authorized, "&".join(pair for pair in parameters if pair.partition("=")[0] not in _PARAMETERS)


def _operation(request: Request, headers: Headers, *, is_root: bool) -> "Callable[[PathRequest], Response] | None":
    resource, action = request.args.get("resource"), request.args.get("action")
    match request.method, resource or action:
        case "GET", "filesystem" if is_root:
            return _list
        case (("PUT" | "DELETE" | "HEAD"), "filesystem") if is_root:
            return _container
        case "PUT", ("file" | "directory") if not is_root:
            return _create
        case "PUT", None if header(headers, "x-ms-rename-source") and not is_root:
            return _rename
        case "PATCH", "append" if not is_root:
            return _append
        case "PATCH", "flush" if not is_root:
            return _flush
        case "DELETE", None if not is_root:
            return _delete
    return None


def _shown(request: Request) -> str:
    return request.query_string.decode(errors="replace") or "no parameters"


def _container(asked: PathRequest) -> Response:
    answer = asked.file_system.ask(asked.request.method, query="restype=container", headers=_metadata(asked))
    return _answer(answer, answer.status)


def _create(asked: PathRequest) -> Response:
    headers = [*asked.passed_on(), *_metadata(asked)]
    directory = asked.parameters["resource"] == "directory"
    return _answer(asked.file_system.create(asked.path, headers, directory=directory), 201)


def _append(asked: PathRequest) -> Response:
    position = _number(asked, "position")
    checked = [(name, value) for name, value in asked.headers if name.lower() in ("content-md5", "x-ms-content-crc64")]
    lease = [(name, value) for name, value in asked.headers if name.lower() == "x-ms-lease-id"]
    asked.file_system.append(asked.path, position, checked + lease, asked.body, asked.length)
    if asked.parameters.get("flush") != "true":
        return Response(status=202)
    end = None if asked.length is None else position + asked.length
    return _answer(asked.file_system.flush(asked.path, end, lease), 202)


def _flush(asked: PathRequest) -> Response:
    return _answer(asked.file_system.flush(asked.path, _number(asked, "position"), asked.passed_on()), 200)


def _list(asked: PathRequest) -> Response:
    directory = asked.parameters.get("directory", "").strip("/")
    paths = asked.file_system.paths(directory, recursive=asked.parameters.get("recursive") == "true")
    first = _number(asked, "continuation", 0)
    last = first + min(_number(asked, "maxResults", _PAGE), _PAGE)
    response = json_response({"paths": [_entry(path) for path in paths[first:last]]})
    if last < len(paths):
        response.headers["x-ms-continuation"] = str(last)
    return response


def _entry(path: Path) -> Mapping[str, str]:
    entry = {
        "name": path.name,
        "contentLength": str(path.length),
        "etag": path.etag,
        "lastModified": path.last_modified,
        "owner": "$superuser",
        "group": "$superuser",
        "permissions": "rwxr-x---" if path.is_directory else "rw-r-----",
    }
    return {**entry, "isDirectory": "true"} if path.is_directory else entry


def _rename(asked: PathRequest) -> Response:
    name, _, raw = header(asked.headers, "x-ms-rename-source").partition("?")[0].lstrip("/").partition("/")
    source, path = asked.open_file_system(name), unquote(raw).strip("/")
    below = list(source.below(path))
    if not asked.file_system.is_directory(asked.path.rpartition("/")[0]):
        message = "The parent directory of the destination path does not exist."
        raise StorageError("RenameDestinationParentPathNotFound", message, status=404)
    if below and any(asked.file_system.below(asked.path)):
        raise StorageError("PathAlreadyExists", "The destination directory is not empty.", status=409)
    try:
        answer = source.copy(path, asked.file_system, asked.path, asked.passed_on())
    except StorageError as error:
        if error.code != "PathNotFound":
            raise
        if not below:
            message = "The source path for a rename operation does not exist."
            raise StorageError("SourcePathNotFound", message, status=404) from None
        answer = asked.file_system.create(asked.path, asked.passed_on(), directory=True)
    else:
        source.delete(path)
    for each in below:
        source.copy(each.name, asked.file_system, asked.path + each.name[len(path) :], [])
        source.delete(each.name)
    return _answer(answer, 201)


def _delete(asked: PathRequest) -> Response:
    below = list(asked.file_system.below(asked.path))
    if below and asked.parameters.get("recursive") != "true":
        message = "The recursive query parameter value must be true to delete a non-empty directory."
        raise StorageError("DirectoryNotEmpty", message, status=409)
    try:
        asked.file_system.delete(asked.path, asked.passed_on())
    except StorageError as error:
        if error.code != "PathNotFound" or not below:
            raise
    for each in below:
        asked.file_system.delete(each.name)
    return Response(status=200)


def _metadata(asked: PathRequest) -> Headers:
    """Return the metadata of a path as that of a blob: `x-ms-properties` has it as `name=Base64,...`."""
    pairs = (
        pair.strip().partition("=") for pair in header(asked.headers, "x-ms-properties").split(",") if pair.strip()
    )
    return [(f"x-ms-meta-{name}", base64.b64decode(value).decode("latin-1")) for name, _, value in pairs]


def _number(asked: PathRequest, name: str, default: int | None = None) -> int:
    text = asked.parameters.get(name, "" if default is None else str(default))
    if not (text.isascii() and text.isdigit()):
        message = f"Value for one of the query parameters specified in the request URI is invalid: {name}."
        raise StorageError("InvalidQueryParameterValue", message, status=400)
    return int(text)


def _answer(answer: UpstreamAnswer, status: int) -> Response:
    names = ("ETag", "Last-Modified", "x-ms-request-id", "x-ms-version", "x-ms-client-request-id")
    kept = {name: answer.header(name) for name in names if answer.header(name)}
    answer.read()
    response = Response(status=status, headers=kept)
    del response.headers["Content-Type"]
    return response
