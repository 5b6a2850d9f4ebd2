"""Tokens that a test makes itself, sound and defective, for apps that accept Entra ID's tokens."""

import jwt
import pytest
from werkzeug.test import Client

from azcred_emulators.directory import Application, contoso, identifiers
from azcred_emulators.emulators import Emulators
from azcred_emulators.tokens import DEFECTS, TokenRejected
from azcred_emulators.tokens.access import AppOnlyAccess
from azcred_emulators.tokens.issuance import number_of

AUDIENCE = "api://orders"
CLAIMS = {"aud": AUDIENCE, "scp": "Orders.Read", "oid": identifiers.USER_ID}


def accepts(client: Client, token: str) -> bool:
    """Check a token as a careful app does: with the published keys, and nothing taken from the token itself."""
    keys = client.get("/common/discovery/v2.0/keys", base_url="https://login.microsoftonline.com").get_json()
    published = {key.key_id: key for key in jwt.PyJWKSet.from_dict(keys).keys}
    try:
        claims = jwt.decode(
            token,
            published[jwt.get_unverified_header(token)["kid"]],
            algorithms=["RS256"],
            audience=AUDIENCE,
            issuer=f"https://sts.windows.net/{contoso.TENANT.id}/",
            options={"require": ["exp"]},
        )
    except (jwt.InvalidTokenError, KeyError):
        return False
    return bool(claims["tid"] == contoso.TENANT.id)


def test_a_minted_token_has_what_every_token_has(emulators: Emulators, client: Client) -> None:
    """A test says what matters to it; issuer, times, tenant and version are filled in."""
    token = emulators.tokens.mint(CLAIMS)
    assert accepts(client, token.value)
    assert token.value not in repr(token)
    assert token.claims["ver"] == "1.0"
    assert token.expires_on > emulators.clock.now()


def test_any_claim_can_be_set_or_left_out(emulators: Emulators) -> None:
    """None leaves out what would be filled in."""
    token = emulators.tokens.mint({**CLAIMS, "ver": "2.0", "uti": None, "custom": {"a": [1]}})
    claims = jwt.decode(token.value, options={"verify_signature": False})
    assert claims["iss"] == f"https://login.microsoftonline.com/{contoso.TENANT.id}/v2.0"
    assert claims["custom"] == {"a": [1]}
    assert "uti" not in claims
    assert number_of(claims) == 0
    assert "x5t" not in jwt.get_unverified_header(token.value)


@pytest.mark.parametrize("defect", DEFECTS)
def test_every_defect_is_one(defect: str, emulators: Emulators, client: Client) -> None:
    """A careful app refuses each, and so do the emulators themselves."""
    forged = emulators.tokens.forge(defect, CLAIMS)
    assert not accepts(client, forged)
    with pytest.raises(TokenRejected):
        emulators.tokens.check(forged, audiences=[AUDIENCE], tenant_ids=[contoso.TENANT.id])


def test_a_misspelt_defect_is_answered_with_the_nearest(emulators: Emulators) -> None:
    """A misspelt name costs no search."""
    with pytest.raises(LookupError, match="did you mean 'wrong-issuer'"):
        emulators.tokens.forge("wrong-isuer", CLAIMS)
    with pytest.raises(LookupError, match="there are expired, "):
        emulators.tokens.forge("zzzz", CLAIMS)


def test_a_check_goes_by_the_emulators_clock(emulators: Emulators, application: Application) -> None:
    """A token is accepted until its time is over, for any spelling of its audience."""
    token = emulators.tokens.app_only(AppOnlyAccess(application, "https://vault.azure.net")).value
    claims = emulators.tokens.check(token, audiences=["https://VAULT.azure.net/"])
    assert claims["appid"] == application.client_id
    emulators.clock.advance(hours=1)
    with pytest.raises(TokenRejected) as rejected:
        emulators.tokens.check(token, audiences=["https://vault.azure.net"])
    assert rejected.value.reason == "expired"


def test_no_private_member_is_published(client: Client) -> None:
    """The keys documents hold the public numbers and the certificate, in every version."""
    for path in ("/common/discovery/v2.0/keys", "/common/discovery/keys", "/contoso.com/discovery/v2.0/keys"):
        document = client.get(path, base_url="https://login.microsoftonline.com").get_json()
        for key in document["keys"]:
            assert set(key) <= {"kty", "use", "kid", "x5t", "n", "e", "x5c", "issuer"}
