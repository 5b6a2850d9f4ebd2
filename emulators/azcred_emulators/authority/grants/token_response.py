"""What the token endpoint answers: one token or several, in the form of version 1 or 2."""

import base64
import json
from dataclasses import dataclass, field

from azcred_emulators.tokens import Token

_WORTH_REFRESHING = 7200  # seconds; tokens that live longer are to be renewed halfway


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """What a grant gives: an access token for `resource`, and with it whatever a user's sign-in allows.

    `scopes` are as the client wrote them.
    """

    token: Token
    resource: str
    scopes: tuple[str, ...] = ()
    refresh_token: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    client_info: str | None = None
    family: bool = False

    def body(self, *, version: int, now: float) -> dict[str, object]:
        """Return the JSON body; version 1 writes every value as a string."""
        expires_in = self.token.expires_in(now)
        body: dict[str, object] = {"token_type": "Bearer"}
        if self.scopes:
            body["scope"] = " ".join(self.scopes)
        body |= {"expires_in": expires_in, "ext_expires_in": expires_in}
        refresh_in = self.token.refresh_in
        if refresh_in is None and expires_in >= _WORTH_REFRESHING:
            refresh_in = expires_in // 2
        if refresh_in is not None:
            body["refresh_in"] = refresh_in
        if version == 1:
            body |= {
                "expires_on": self.token.expires_on,
                "not_before": self.token.not_before,
                "resource": self.resource,
            }
            body = {name: str(value) for name, value in body.items()}
        body["access_token"] = self.token.value
        if self.refresh_token:
            body["refresh_token"] = self.refresh_token
            if self.family:
                body["foci"] = "1"
        if self.id_token:
            body["id_token"] = self.id_token
        if self.client_info:
            body["client_info"] = self.client_info
        return body


def client_info(user_id: str, home_tenant_id: str) -> str:
    """Return the value from which msal makes the account's id."""
    info = json.dumps({"uid": user_id, "utid": home_tenant_id}, separators=(",", ":"))
    return base64.urlsafe_b64encode(info.encode()).rstrip(b"=").decode()
