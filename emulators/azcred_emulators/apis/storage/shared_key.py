"""Requests that are signed with an account's key, where Azurite cannot check it since it gets other requests instead.

Source: "Authorize with Shared Key" of Azure Storage.
"""

import base64
import hmac
from urllib.parse import parse_qs, unquote

from azcred_emulators.serving.request_reader import Headers, header

_SIGNED = (
    *("content-encoding", "content-language", "content-length", "content-md5", "content-type", "date"),
    *("if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"),
)


def is_signed(method: str, target: str, headers: Headers, account: str, key: str) -> bool:
    """Tell whether a request has a valid signature with this key of an account, in Base64."""
    signature = hmac.digest(base64.b64decode(key), _text(method, target, headers, account).encode(), "sha256")
    expected = f"SharedKey {account}:{base64.b64encode(signature).decode()}"
    return hmac.compare_digest(header(headers, "authorization").encode(), expected.encode())


def _text(method: str, target: str, headers: Headers, account: str) -> str:
    """Return what is signed of a request."""
    values = {name: header(headers, name) for name in _SIGNED}
    if values["content-length"] == "0":
        values["content-length"] = ""
    if header(headers, "x-ms-date"):
        values["date"] = ""
    own = sorted((name.lower(), value.strip()) for name, value in headers if name.lower().startswith("x-ms-"))
    path, _, query = target.partition("?")
    parameters = sorted((unquote(name).lower(), values) for name, values in parse_qs(query, True).items())
    return "\n".join(
        [
            method,
            *values.values(),
            *(f"{name}:{value}" for name, value in own),
            f"/{account}{path}",
            *(f"{name}:{','.join(sorted(values))}" for name, values in parameters),
        ]
    )
