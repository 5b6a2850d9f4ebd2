"""Reading URLs that clients send, which may be anything."""

from urllib.parse import SplitResult, urlsplit


def split_url(text: str) -> SplitResult:
    """Return the parts of a URL, all of them empty if the text is none."""
    try:
        parts = urlsplit(text)
        _ = parts.hostname, parts.port  # read late, and refused late
    except ValueError:
        return SplitResult("", "", "", "", "")
    return parts
