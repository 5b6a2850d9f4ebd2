"""Requests that a resource refuses."""


class AccessDenied(Exception):
    """A request that the resource refuses, with status 401 for its token or 403 for whose it is.

    `error` is RFC 6750's. `advice` is for the journal alone: what the token had, and what would help.
    """

    def __init__(
        self, reason: str, *, status: int = 401, error: str = "", claims: str | None = None, advice: str = ""
    ) -> None:
        super().__init__(reason)
        self.status: int = status
        self.error: str = error
        self.claims: str | None = claims
        self.advice: str = advice
