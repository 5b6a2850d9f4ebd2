"""What is in a storage account: its containers, queues and tables, which a scope leaves as it found them."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from urllib.parse import quote

from azcred_emulators.apis.storage.account import Account
from azcred_emulators.audiences import STORAGE_DOMAIN
from azcred_emulators.serving.upstream import UpstreamAnswer

_NAME = re.compile("<Name>([^<]+)</Name>")
_NEXT = re.compile("<NextMarker>([^<]+)</NextMarker>")
_LEASED = 412
_JSON = ("Accept", "application/json;odata=nometadata")  # Azurite has no other form for tables


def contents(account: Account) -> set[str]:
    """Return the URLs of everything in an account. Raises RuntimeError if Azurite refuses."""
    return {_url(account, service, name) for service in _used(account) for name in _LISTS[service](account)}


def clear(account: Account, keep: Collection[str] = ()) -> None:
    """Delete everything in an account but for the URLs that are to be kept. Raises RuntimeError if Azurite refuses."""
    for service in _used(account):
        for name in list(_LISTS[service](account)):
            if _url(account, service, name) not in keep:
                _DELETIONS[service](account, name)


def _used(account: Account) -> list[str]:
    return [service for service in _LISTS if service in account.used]


def _url(account: Account, service: str, name: str) -> str:
    return f"https://{account.name}.{service}.{STORAGE_DOMAIN}/{name}"


def _names(account: Account, service: str) -> Iterator[str]:
    marker = ""
    while True:
        body = _answer(account, service, "GET", f"/?comp=list{marker}").read().decode()
        yield from _NAME.findall(body)
        following = _NEXT.search(body)
        if not following:
            return
        marker = f"&marker={quote(following[1], safe='')}"


def _tables(account: Account) -> Iterator[str]:
    marker = ""
    while True:
        answer = _answer(account, "table", "GET", f"/Tables{marker}", _JSON)
        yield from (table["TableName"] for table in json.loads(answer.read())["value"])
        following = answer.header("x-ms-continuation-NextTableName")
        if not following:
            return
        marker = f"?NextTableName={quote(following, safe='')}"


def _delete_container(account: Account, name: str) -> None:
    container = f"/{name}?restype=container"
    if _answer(account, "blob", "DELETE", container, tolerated=_LEASED).status == _LEASED:
        release = ("x-ms-lease-action", "break"), ("x-ms-lease-break-period", "0")
        _answer(account, "blob", "PUT", f"{container}&comp=lease", *release)
        _answer(account, "blob", "DELETE", container)


_LISTS: Mapping[str, Callable[[Account], Iterator[str]]] = {
    "blob": lambda account: _names(account, "blob"),
    "queue": lambda account: _names(account, "queue"),
    "table": _tables,
}
_DELETIONS: Mapping[str, Callable[[Account, str], object]] = {
    "blob": _delete_container,
    "queue": lambda account, name: _answer(account, "queue", "DELETE", f"/{name}"),
    "table": lambda account, name: _answer(account, "table", "DELETE", f"/Tables('{name}')", _JSON),
}


def _answer(
    account: Account, service: str, method: str, target: str, *headers: tuple[str, str], tolerated: int = 0
) -> UpstreamAnswer:
    answer = account.ask(service, method, target, *headers)
    if answer.status >= 400 and answer.status != tolerated:
        body = answer.read().decode(errors="replace")
        raise RuntimeError(f"Azurite answered {method} {target} of {service} with {answer.status}: {body}")
    if method != "GET":
        answer.read()
    return answer
