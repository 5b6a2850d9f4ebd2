"""The parts of URLs that clients send, which may be malformed."""

from urllib.parse import SplitResult, urlsplit

_EXECUTABLE = ("javascript", "data", "vbscript", "blob", "file", "about")
_IGNORED = dict.fromkeys(range(0x21))  # what browsers leave out of a scheme: control characters and spaces


def is_executable(address: str) -> bool:
    """Tell whether a browser would run what an address holds, or open a file, in place of going somewhere."""
    scheme, colon, _ = address.translate(_IGNORED).partition(":")
    return bool(colon) and scheme.lower() in _EXECUTABLE


def split_url(text: str) -> SplitResult:
    """Return the parts of a URL, all of them empty if it is malformed."""
    try:
        parts = urlsplit(text)
        _ = parts.hostname, parts.port  # these raise ValueError only when they are read
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts
