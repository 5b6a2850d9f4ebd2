"""Transactions of tables in the form in which Azurite reads them.

Azurite 3.37 finds the table in a URL of a request within a batch only after the account's name, where it is if
Azurite is addressed by its port, and not if it is addressed by the account's host name.
"""

import re
from collections.abc import Iterable

_REQUEST_LINE = re.compile(
    rb"^((?:GET|POST|PUT|PATCH|MERGE|DELETE) https?://[^/\s]+/)(?=\S+ HTTP/1\.1\r?$)", re.MULTILINE
)


def is_batch(service: str, target: str) -> bool:
    """Tell whether a request has others in it that are for tables."""
    return service == "table" and target.partition("?")[0] == "/$batch"


def with_account(body: Iterable[bytes], account: str) -> bytes:
    """Return the body of a batch in whose URLs the account's name comes first."""
    return _REQUEST_LINE.sub(rb"\1%b/" % account.encode(), b"".join(body))
