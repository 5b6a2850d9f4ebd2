"""The key with which other machines control a server."""

import re

_VISIBLE = re.compile("[!-~]*")  # what an Authorization header can hold (RFC 9110, section 5.5)


def check_key(key: str | None) -> None:
    """Raise ValueError for a key that no HTTP header can hold; the message does not repeat it."""
    if key is not None and not _VISIBLE.fullmatch(key):
        raise ValueError("the key must consist of visible ASCII characters, without spaces")
