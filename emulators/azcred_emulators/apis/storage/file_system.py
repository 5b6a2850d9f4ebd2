"""The blobs of a container as files and directories: what Data Lake Storage has, as far as blobs can stand for it.

A directory is an empty blob with the metadata `hdi_isfolder`, as Azure's own drivers have it for accounts without a
hierarchical namespace; one that has none, because a blob was uploaded into it, is there as long as the blob is.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote
from xml.etree import ElementTree  # of Azurite's answers

from azcred_emulators.apis.storage.account import Account
from azcred_emulators.apis.storage.refusals import StorageError
from azcred_emulators.audiences import STORAGE_DOMAIN
from azcred_emulators.serving.request_reader import Headers
from azcred_emulators.serving.upstream import UpstreamAnswer

IS_FOLDER = "x-ms-meta-hdi_isfolder"
# Headers of a blob that another version of it keeps, and the names by which they are set.
_KEPT = {
    "Cache-Control": "x-ms-blob-cache-control",
    "Content-Type": "x-ms-blob-content-type",
    "Content-Encoding": "x-ms-blob-content-encoding",
    "Content-Language": "x-ms-blob-content-language",
    "Content-Disposition": "x-ms-blob-content-disposition",
}
# What is amiss with a blob or container, as Data Lake Storage says it of a path or file system.
_CODES = {
    "BlobNotFound": "PathNotFound",
    "BlobAlreadyExists": "PathAlreadyExists",
    "ContainerNotFound": "FilesystemNotFound",
    "ContainerAlreadyExists": "FilesystemAlreadyExists",
}
_MESSAGE = re.compile("<Message>([^<\n]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A file or a directory; `name` is its path from the root of the file system."""

    name: str
    is_directory: bool
    length: int
    etag: str
    last_modified: str


class FileSystem:
    """A container in which files are created, changed and listed for somebody who is `authorized` by these headers.

    `query` goes with each request: a shared access signature. Every method raises StorageError as the service does.
    """

    def __init__(self, account: Account, name: str, authorized: Headers, query: str) -> None:
        self._account = account
        self._name = name
        self._authorized = authorized
        self._query = query

    def ask(
        self,
        method: str,
        path: str = "",
        query: str = "",
        headers: Headers = [],  # noqa: B006  # nobody changes it
        body: Iterable[bytes] = (),
        length: int | None = 0,
    ) -> UpstreamAnswer:
        """Send a request for the blob with this path, or for the container; returns the answer, which is no refusal."""
        target = f"/{self._name}" + (f"/{quote(path)}" if path else "")
        parameters = "&".join(filter(None, [query, self._query]))
        if parameters:
            target += f"?{parameters}"
        answer = self._account.send("blob", method, target, [*self._authorized, *headers], body, length)
        if answer.status < 400:
            return answer
        code = answer.header("x-ms-error-code") or ("BlobNotFound" if answer.status == 404 else "InternalError")
        message = _MESSAGE.search(answer.read().decode(errors="replace"))
        raise StorageError(_CODES.get(code, code), message[1] if message else code, status=answer.status)

    def properties(self, path: str) -> UpstreamAnswer:
        """Return the answer with a blob's headers."""
        return self.ask("HEAD", path)

    def create(self, path: str, headers: Headers, *, directory: bool = False) -> UpstreamAnswer:
        """Create an empty file or a directory, with the directories above it."""
        marks = [(IS_FOLDER, "true")] if directory else []
        answer = self.ask("PUT", path, headers=[("x-ms-blob-type", "BlockBlob"), *marks, *headers])
        for parent in _parents(path):
            self._create_parent(parent)
        return answer

    def _create_parent(self, path: str) -> None:
        try:
            self.ask(
                "PUT", path, headers=[("x-ms-blob-type", "BlockBlob"), (IS_FOLDER, "true"), ("If-None-Match", "*")]
            )
        except StorageError as error:
            if error.code != "PathAlreadyExists":
                raise

    def append(self, path: str, position: int, headers: Headers, body: Iterable[bytes], length: int | None) -> None:
        """Add a block that is to be at this position once it is flushed."""
        self.properties(path).read()
        block = base64.b64encode(b"%032d" % position).decode()
        self.ask("PUT", path, f"comp=block&blockid={quote(block)}", headers, body, length)

    def flush(self, path: str, position: int | None, headers: Headers) -> UpstreamAnswer:
        """Make one file of what it had and of the blocks that were added; its length must then be the `position`."""
        before = self.properties(path)
        committed, added = self._blocks(path)
        length = int(before.header("Content-Length") or 0)
        if sum(size for _, size in committed) != length:  # it was uploaded at once, as a blob
            content = self.ask("GET", path)
            first = base64.b64encode(b"%032d" % 0).decode()
            self.ask("PUT", path, f"comp=block&blockid={quote(first)}", [], content, length)
            committed, added = [], [(first, length), *(block for block in added if block[0] != first)]
        if position is not None and sum(size for _, size in [*committed, *added]) != position:
            raise StorageError(
                "InvalidFlushPosition",
                "The uploaded data is not contiguous or the position query parameter value is not equal to the length "
                "of the file after appending the uploaded data.",
            )
        lines = [*(f"<Committed>{name}</Committed>" for name, _ in committed)]
        lines += [*(f"<Uncommitted>{name}</Uncommitted>" for name, _ in sorted(added))]
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{"".join(lines)}</BlockList>'.encode()
        set_now = {name.lower() for name, _ in headers}
        kept = [header for header in self.kept(before) if header[0].lower() not in set_now]
        return self.ask("PUT", path, "comp=blocklist", [*kept, *headers], [body], len(body))

    def kept(self, answer: UpstreamAnswer) -> Headers:
        """Return the headers by which another version of a blob keeps what it has."""
        metadata = [(name, value) for name, value in answer.headers if name.lower().startswith("x-ms-meta-")]
        return [*metadata, *((new, answer.header(name)) for name, new in _KEPT.items() if answer.header(name))]

    def _blocks(self, path: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        root = _parse(self.ask("GET", path, "comp=blocklist&blocklisttype=all").read())

        def read(name: str) -> list[tuple[str, int]]:
            blocks = root.iterfind(f"{name}/Block")
            return [(block.findtext("Name", ""), int(block.findtext("Size", "0"))) for block in blocks]

        return read("CommittedBlocks"), read("UncommittedBlocks")

    def copy(self, path: str, to: "FileSystem", new_path: str, headers: Headers) -> UpstreamAnswer:
        """Copy a blob within the account."""
        source = f"https://{self._account.name}.blob.{STORAGE_DOMAIN}/{self._name}/{quote(path)}"
        return to.ask("PUT", new_path, headers=[("x-ms-copy-source", source), *headers])

    def delete(self, path: str, headers: Headers = []) -> None:  # noqa: B006  # nobody changes it
        """Delete a blob."""
        self.ask("DELETE", path, headers=headers)

    def is_directory(self, path: str) -> bool:
        """Tell whether a directory has this path."""
        if not path:
            return True
        try:
            return self.properties(path).header(IS_FOLDER) == "true" or any(self.below(path))
        except StorageError as error:
            if error.code != "PathNotFound":
                raise
            return any(self.below(path))

    def below(self, directory: str) -> Iterator[Path]:
        """Yield every blob below a directory, in the order of their names."""
        prefix = f"{directory}/" if directory else ""
        marker = ""
        while True:
            query = f"restype=container&comp=list&include=metadata&prefix={quote(prefix, safe='')}{marker}"
            root = _parse(self.ask("GET", query=query).read())
            yield from map(_path, root.iterfind("Blobs/Blob"))
            following = root.findtext("NextMarker")
            if not following:
                return
            marker = f"&marker={quote(following, safe='')}"

    def paths(self, directory: str, *, recursive: bool) -> list[Path]:
        """Return the files and directories in a directory or below it, in the order of their names."""
        found: dict[str, Path] = {}
        depth = len(directory) + 1 if directory else 0
        for path in self.below(directory):
            found[path.name] = path
            for parent in _parents(path.name):
                if len(parent) > depth and parent not in found:
                    found[parent] = Path(
                        name=parent, is_directory=True, length=0, etag=path.etag, last_modified=path.last_modified
                    )
        if not found and not self.is_directory(directory):
            raise StorageError("PathNotFound", "The specified path does not exist.", status=404)
        names = sorted(name for name in found if recursive or "/" not in name[depth:])
        return [found[name] for name in names]


def _parents(path: str) -> Iterator[str]:
    """Yield the directories above a path, the nearest first."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _parse(data: bytes) -> ElementTree.Element:
    return ElementTree.fromstring(data.removeprefix(b"\xef\xbb\xbf"))  # noqa: S314  # of Azurite's answers


def _path(blob: ElementTree.Element) -> Path:
    return Path(
        name=blob.findtext("Name", ""),
        is_directory=blob.findtext("Metadata/hdi_isfolder") == "true",
        length=int(blob.findtext("Properties/Content-Length", "0")),
        etag=blob.findtext("Properties/Etag", ""),
        last_modified=blob.findtext("Properties/Last-Modified", ""),
    )
