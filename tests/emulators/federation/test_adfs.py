"""AD FS on the wire: what it publishes, whom it vouches for, and what Entra ID makes of an assertion."""

import base64
import gc
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from support.entra import AUTHORITY, GRAPH, SAML_GRANT, SECRET, Entra, claims_of, code_of
from werkzeug.test import Client, TestResponse

import azcred_emulators
from azcred_emulators.directory import Mfa, User, contoso, identifiers
from azcred_emulators.emulation.script import CRITERIA
from azcred_emulators.emulators import Emulators
from azcred_emulators.faults import Status
from azcred_emulators.federation.adfs.oauth2 import AdFsError, AdFsTokenRequest
from azcred_emulators.tokens import saml_assertions
from azcred_emulators.tokens.keys import SigningKey

DOMAIN = "fabrikam.com"
ADFS = f"https://sts.{DOMAIN}"
ISSUER = f"http://sts.{DOMAIN}/adfs/services/trust"


@pytest.fixture
def entra(azcred_emulators: Emulators) -> Iterator[Entra]:
    """The token service, with a domain that is federated."""
    azcred_emulators.adfs.federate(DOMAIN)
    yield Entra(azcred_emulators, Client(azcred_emulators.application))
    azcred_emulators.reset()


@pytest.fixture
def grace(entra: Entra) -> User:
    """A user of the federated domain, whose name needs escaping."""
    return entra.add_user("grace", principal_name=f"o'grace&co@{DOMAIN}", password='<p"w>')


def request_token(
    entra: Entra,
    username: str,
    password: str,
    *,
    version: str = "13",
    applies_to: str = saml_assertions.ENTRA_ID,
    envelope: str = "{}",
    host: str = ADFS,
) -> TestResponse:
    """Ask for an assertion with a name and a password."""
    security = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
    root = ElementTree.Element("s:Envelope", {"xmlns:s": "http://www.w3.org/2003/05/soap-envelope"})
    token = ElementTree.SubElement(ElementTree.SubElement(root, "s:Header"), "o:UsernameToken", {"xmlns:o": security})
    ElementTree.SubElement(token, "o:Username").text = username
    ElementTree.SubElement(token, "o:Password").text = password
    reference = ElementTree.SubElement(
        ElementTree.SubElement(root, "s:Body"),
        "a:EndpointReference",
        {"xmlns:a": "http://www.w3.org/2005/08/addressing"},
    )
    ElementTree.SubElement(reference, "a:Address").text = applies_to
    text = envelope.replace("{}", ElementTree.tostring(root, "unicode"))
    return entra.client.post(f"/adfs/services/trust/{version}/usernamemixed", base_url=host, data=text.encode())


def assertion_in(response: TestResponse) -> str:
    """Return the assertion of an answer."""
    assert response.status_code == 200, response.text
    return (
        "<saml:Assertion"
        + response.text.partition("<saml:Assertion")[2].rpartition("</saml:Assertion>")[0]
        + "</saml:Assertion>"
    )


def redeem(entra: Entra, assertion: str, /, **changes: Any) -> TestResponse:
    """Bring an assertion to Entra ID."""
    form = {
        "grant_type": SAML_GRANT,
        "client_id": identifiers.AZURE_CLI_CLIENT_ID,
        "assertion": base64.urlsafe_b64encode(assertion.encode()).decode(),
        "scope": f"{GRAPH}/.default openid offline_access",
    }
    return entra.post({**form, **changes}, tenant="organizations")


def issued(entra: Entra, upn: str) -> str:
    """Return an assertion as the domain's AD FS writes it."""
    key, now = entra.emulators.adfs.key, entra.emulators.clock.now()
    return saml_assertions.issue(key, issuer=ISSUER, upn=upn, immutable_id="x", now=now)


@pytest.mark.parametrize("version", ["2005", "13"])
def test_a_users_password_becomes_a_token_of_entra_id(entra: Entra, grace: User, version: str) -> None:
    """By way of an assertion, whichever version of WS-Trust it came by."""
    response = redeem(entra, assertion_in(request_token(entra, grace.principal_name, grace.password, version=version)))
    claims = claims_of(response)
    assert (claims["oid"], claims["upn"], claims["tid"]) == (grace.object_id, grace.principal_name, contoso.TENANT.id)
    assert {"refresh_token", "id_token"} <= set(response.get_json())
    [asked, redeemed] = entra.emulators.journal.requests()
    assert (asked.emulator, asked.operation, asked.identity) == ("adfs", "ws-trust", grace.principal_name)
    assert (redeemed.grant, redeemed.status) == (SAML_GRANT, 200)


def test_an_assertion_is_canonical_xml(entra: Entra, grace: User) -> None:
    """So others compute the same digest; Python's own canonical form, of a later version, is the same here."""
    assertion = assertion_in(request_token(entra, grace.principal_name, grace.password))
    assert ElementTree.canonicalize(assertion) == assertion.replace(
        '<ds:SignedInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">', "<ds:SignedInfo>"
    )
    assert saml_assertions.read(assertion).is_signed_by(entra.emulators.adfs.key.public)
    assert grace.password not in repr(saml_assertions.read(assertion))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"username": "nobody@fabrikam.com"}, "FailedAuthentication"),
        ({"password": "wrong"}, "FailedAuthentication"),
        ({"username": identifiers.USER_PRINCIPAL_NAME}, "FailedAuthentication"),
        ({"applies_to": "urn:federation:elsewhere"}, "InvalidScope"),
        ({"envelope": "nonsense"}, "InvalidRequest"),
        ({"envelope": "<Envelope/>"}, "InvalidRequest"),
        ({"envelope": '<!DOCTYPE a [<!ENTITY b "c">]>{}'}, "InvalidRequest"),
        ({"envelope": "<a>" * 50_000}, "InvalidRequest"),
    ],
)
def test_ad_fs_refuses(entra: Entra, grace: User, change: dict[str, str], code: str) -> None:
    """With a fault, which tells nobody whether the name or the password was wrong."""
    given: dict[str, Any] = {"username": grace.principal_name, "password": grace.password, **change}
    response = request_token(entra, **given)
    assert response.status_code == 500
    assert f"<s:Value>a:{code}</s:Value>" in response.text
    assert grace.password not in str(entra.emulators.journal.requests())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": SigningKey("ADFS Signing")}, 50006),
        ({"issuer": "http://sts.contoso.com/adfs/services/trust"}, 50107),
        ({"issuer": "http://sts.fabrikam.com/elsewhere"}, 50107),
        ({"audience": "urn:federation:elsewhere"}, 50008),
        ({"now": 1_000_000_000.0}, 50008),
        ({"upn": "nobody@fabrikam.com"}, 51004),
        ({"upn": identifiers.USER_PRINCIPAL_NAME}, 51004),
    ],
)
def test_entra_id_refuses_an_assertion(entra: Entra, grace: User, change: dict[str, Any], code: int) -> None:
    """Of another key, issuer, audience, time, or for somebody whom that issuer may not vouch for."""
    assert code_of(entra.redeem_assertion(**{"upn": grace.principal_name, **change})) == code


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("fabrikam.com<", "contoso.com<"),
        lambda text: text.replace("<ds:Signature ", "<ds:Signature  "),
        lambda text: text.partition("<ds:Signature ")[0] + "</saml:Assertion>",
        lambda text: text.replace("</ds:Signature>", "</ds:Signature>" + text[text.index("<ds:Signature ") : -17]),
        lambda text: text.replace("NotOnOrAfter", "notOnOrAfter"),
    ],
)
def test_a_changed_assertion_is_worth_nothing(entra: Entra, grace: User, spoil: Any) -> None:
    """Whatever was changed, also the signature itself."""
    genuine = issued(entra, grace.principal_name)
    changed = spoil(genuine)
    assert changed != genuine
    assert code_of(redeem(entra, changed)) in (50006, 50008)
    assert redeem(entra, genuine).status_code == 200


@pytest.mark.parametrize("assertion", ["", "nonsense", "\u00e9", "PGE+", "PCFET0NUWVBFIGE+PGEvPg=="])
def test_what_is_no_assertion(entra: Entra, assertion: str) -> None:
    """Base64 or not, XML or not."""
    assert code_of(redeem(entra, "", **{"assertion": assertion})) == (50008 if assertion else 900144)


def test_a_second_factor_is_still_entra_ids(entra: Entra, grace: User) -> None:
    """A password at AD FS is a password."""
    entra.emulators.directory.replace(grace, mfa=Mfa.ENFORCED)
    assert code_of(redeem(entra, issued(entra, grace.principal_name))) == 50076


def test_only_federated_domains_have_one(entra: Entra) -> None:
    """Another domain's host is nobody's."""
    assert entra.client.get("/adfs/services/trust/mex", base_url=ADFS).status_code == 200
    assert entra.client.get("/adfs/services/trust/mex", base_url="https://sts.contoso.com").status_code == 404
    assert entra.client.get("/adfs/elsewhere", base_url=ADFS).status_code == 404
    realm = entra.client.get(f"/common/userrealm/x@{DOMAIN}", base_url=AUTHORITY).get_json()
    assert realm["federation_metadata_url"] == f"{ADFS}/adfs/services/trust/mex"


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"client_id": "nonsense"}, "invalid_client", "MSIS9223"),
        ({"client_secret": "wrong"}, "invalid_client", "MSIS9622"),
        ({"client_secret": None}, "invalid_client", "MSIS9622"),
        ({"client_assertion": "nonsense"}, "invalid_client", "MSIS9622"),
        ({"grant_type": "nonsense"}, "unsupported_grant_type", "MSIS9611"),
        ({"grant_type": "password", "username": "x", "password": "y"}, "invalid_grant", "MSIS9659"),
    ],
)
def test_its_token_service_refuses_in_words_of_its_own(
    entra: Entra, changes: dict[str, str | None], error: str, code: str
) -> None:
    """Not in Entra ID's."""
    form = {
        "grant_type": "client_credentials",
        "client_id": entra.add_web_app().client_id,
        "client_secret": "shop~secret",
        "resource": "urn:orders",
        **changes,
    }
    given = {name: value for name, value in form.items() if value is not None}
    response = entra.client.post("/adfs/oauth2/token", base_url=ADFS, data=given)
    assert (response.status_code, response.get_json()["error"]) == (400, error)
    assert response.get_json()["error_description"].startswith(f"{code}: ")


def test_a_fault_of_its_token_service_is_chosen_by_what_the_journal_shows(entra: Entra, grace: User) -> None:
    """Client, user, resource and tenant of both of its grants."""
    client = {"client_id": entra.add_web_app().client_id, "client_secret": SECRET, "resource": "urn:orders"}
    own = {"grant_type": "client_credentials", **client}
    users = {"grant_type": "password", **client, "username": grace.principal_name, "password": grace.password}
    for form, identity in ((own, "shop"), (users, grace.principal_name)):
        assert entra.client.post("/adfs/oauth2/token", base_url=ADFS, data=form).status_code == 200
        [*_, entry] = entra.emulators.journal.requests()
        assert (entry.identity, entry.resource) == (identity, "urn:orders")
        entra.emulators.adfs.faults.add(Status(503), **{name: getattr(entry, name) for name in CRITERIA})
        assert entra.client.post("/adfs/oauth2/token", base_url=ADFS, data=form).status_code == 503


def test_refused_requests_leave_nothing_behind(entra: Entra) -> None:
    """Neither the form with its password nor the error outlives the answer, however many are refused."""

    def alive() -> int:
        gc.collect()
        return sum(type(item) in (AdFsTokenRequest, AdFsError) for item in gc.get_objects())

    shop = {"client_id": entra.add_web_app().client_id, "client_secret": SECRET}
    forms: list[dict[str, str]] = [
        {"client_id": "nonsense"},
        {**shop, "client_secret": "wrong"},
        {**shop, "grant_type": "nonsense"},
        {**shop, "grant_type": "password", "username": "x", "password": "hunter2"},
        {**shop, "client_assertion": "nonsense"},
    ]
    before = alive()
    for form in forms * 10:
        assert entra.client.post("/adfs/oauth2/token", base_url=ADFS, data=form).status_code == 400
    assert alive() == before


def test_no_module_of_the_emulators_keeps_an_exception() -> None:
    """A raised exception keeps its traceback, with every value in it, as long as it lives: each is made when raised."""
    names = [module.name for module in pkgutil.walk_packages(azcred_emulators.__path__, "azcred_emulators.")]
    kept = [
        f"{name}.{attribute}"
        for name in names
        for attribute, value in vars(importlib.import_module(name)).items()
        if isinstance(value, BaseException)
    ]
    assert len(names) > 100
    assert kept == []
