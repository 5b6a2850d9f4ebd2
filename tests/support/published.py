"""What a service does with a token: check it with the keys that Entra ID publishes."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import jwt

AUTHORITY = "https://login.microsoftonline.com"


def verified(token: str, *, resource: str, tenant: str) -> dict[str, Any]:
    """Return the claims of a token for a resource; raises jwt.InvalidTokenError if it would not be accepted.

    Issuer and keys come from the documents of the tenant that it claims to be from, over HTTPS.
    """
    address = f"{AUTHORITY}/{tenant}/.well-known/openid-configuration"
    with urllib.request.urlopen(address) as answer:
        configuration = json.load(answer)
    key = jwt.PyJWKClient(configuration["jwks_uri"]).get_signing_key_from_jwt(token)
    return jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=resource,
        issuer=configuration["issuer"],
        options={"require": ["aud", "exp", "iat", "iss", "nbf", "sub"]},
    )
