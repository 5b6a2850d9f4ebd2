"""The parts of URLs that clients send, which may be malformed."""

from urllib.parse import SplitResult, urlsplit


def split_url(text: str) -> SplitResult:
    """Return the parts of a URL, all of them empty if it is malformed."""
    try:
        parts = urlsplit(text)
        _ = parts.hostname, parts.port  # these raise ValueError only when they are read
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts
