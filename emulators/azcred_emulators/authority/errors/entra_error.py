"""Entra ID's refusals: an AADSTS code with its details, and the JSON that carries it."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime, timezone

from azcred_emulators.authority.errors.aadsts import UNNAMED, Aadsts
from azcred_emulators.authority.errors.account_codes import ACCOUNTS
from azcred_emulators.authority.errors.request_codes import REQUESTS

ERRORS: Mapping[int, Aadsts] = {entry.code: entry for entry in (*ACCOUNTS, *REQUESTS)}


class EntraError(Exception):
    """A request that Entra ID refuses with an AADSTS code; `details` fill the code's text.

    The code alone is enough: `EntraError(53003)`. `claims` is what a client must send with its next request,
    `retry_after` how many seconds it must wait before.
    """

    def __init__(
        self,
        code: int,
        *,
        error: str | None = None,
        status: int | None = None,
        suberror: str | None = None,
        claims: Mapping[str, object] | None = None,
        retry_after: float | None = None,
        **details: str,
    ) -> None:
        entry = ERRORS[code]
        self.code = code
        self.error: str = error or entry.error
        self.status: int = status or entry.status
        self.suberror: str | None = suberror or entry.suberror
        self.claims = claims
        self.retry_after = retry_after
        self.text: str = f"AADSTS{code}: {entry.text.format_map({**UNNAMED, **details})}"
        super().__init__(self.text)

    def body(self, *, now: float, trace_id: str, correlation_id: str) -> dict[str, object]:
        """Return the JSON body; `now` is epoch seconds, the ids are those of the response's headers."""
        moment = datetime.fromtimestamp(now, timezone.utc)
        timestamp = f"{moment:%Y-%m-%d %H:%M:%SZ}"
        body: dict[str, object] = {
            "error": self.error,
            "error_description": (
                f"{self.text} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"
            ),
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }
        if self.suberror:
            body["suberror"] = self.suberror
        if self.claims:
            body["claims"] = json.dumps(self.claims, separators=(",", ":"))
        if self.code == 50055:
            body["password_change_url"] = "https://portal.microsoftonline.com/ChangePassword.aspx"
        return body


def is_guid(text: str) -> bool:
    """Tell whether the text is a GUID in the hyphenated form."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
