"""SAML 1.1 assertions: how AD FS tells Entra ID who has signed in.

They are written in their canonical form (Exclusive XML Canonicalization), over which XML Signature computes: so the
text itself can be hashed, here and where it is checked. Source: SAML 1.1; XML Signature; what AD FS issues for the
relying party urn:federation:MicrosoftOnline.
"""

import base64
import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from azcred_emulators.tokens.keys import SigningKey

TOKEN_TYPE = "urn:oasis:names:tc:SAML:1.0:assertion"
ENTRA_ID = "urn:federation:MicrosoftOnline"
LIFETIME = 3600.0  # seconds
_CLAIMS = "http://schemas.xmlsoap.org/claims"
_DS = "http://www.w3.org/2000/09/xmldsig#"
_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
_TIME = "%Y-%m-%dT%H:%M:%S.000Z"

_ASSERTION = (
    '<saml:Assertion xmlns:saml="{type}" AssertionID="{id}" IssueInstant="{now}" Issuer="{issuer}" MajorVersion="1" '
    'MinorVersion="1"><saml:Conditions NotBefore="{now}" NotOnOrAfter="{until}"><saml:AudienceRestrictionCondition>'
    "<saml:Audience>{audience}</saml:Audience></saml:AudienceRestrictionCondition></saml:Conditions>"
    "<saml:AttributeStatement><saml:Subject><saml:NameIdentifier>{immutable_id}</saml:NameIdentifier></saml:Subject>"
    '<saml:Attribute AttributeName="UPN" AttributeNamespace="{claims}"><saml:AttributeValue>{upn}'
    "</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"
)
_SIGNED_INFO = (
    '<ds:SignedInfo xmlns:ds="{ds}"><ds:CanonicalizationMethod Algorithm="{c14n}"></ds:CanonicalizationMethod>'
    '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod>'
    '<ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="{ds}enveloped-signature"></ds:Transform>'
    '<ds:Transform Algorithm="{c14n}"></ds:Transform></ds:Transforms>'
    '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)
_SIGNATURE = (
    '<ds:Signature xmlns:ds="{ds}">{signed_info}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo>'
    "<ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
)
_END = "</saml:Assertion>"
_SIGNATURES = re.compile(
    f'<ds:Signature xmlns:ds="{re.escape(_DS)}">(<ds:SignedInfo .*?</ds:SignedInfo>)'
    "<ds:SignatureValue>([A-Za-z0-9+/=]+)</ds:SignatureValue>.*?</ds:Signature>",
    re.DOTALL,
)
_DIGEST = re.compile("<ds:DigestValue>([A-Za-z0-9+/=]+)</ds:DigestValue>")


@dataclass(frozen=True, slots=True)
class SamlAssertion:
    """An assertion as read; nothing in it is checked yet. Times are epoch seconds."""

    issuer: str
    upn: str
    audience: str
    not_before: float
    not_on_or_after: float
    text: str = field(repr=False)

    def is_signed_by(self, key: RSAPublicKey) -> bool:
        """Tell whether the holder of the key has signed all of it."""
        signatures = _SIGNATURES.findall(self.text)
        if len(signatures) != 1:
            return False
        signed_info, value = signatures[0]
        digests = _DIGEST.findall(signed_info)
        if digests != [_digest(_SIGNATURES.sub("", self.text))]:
            return False
        try:
            key.verify(base64.b64decode(value), signed_info.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


def issue(key: SigningKey, *, issuer: str, upn: str, immutable_id: str, now: float, audience: str = ENTRA_ID) -> str:
    """Return a signed assertion that this user has signed in; `now` is epoch seconds."""
    assertion_id = f"_{uuid.uuid4()}"
    values: Mapping[str, str] = {
        "type": TOKEN_TYPE,
        "id": assertion_id,
        "now": _written(now),
        "until": _written(now + LIFETIME),
        "issuer": escape(issuer, {'"': "&quot;"}),
        "audience": escape(audience),
        "immutable_id": escape(immutable_id),
        "claims": _CLAIMS,
        "upn": escape(upn),
    }
    text = _ASSERTION.format_map(values)
    signed_info = _SIGNED_INFO.format(ds=_DS, c14n=_C14N, id=assertion_id, digest=_digest(text))
    signature = _SIGNATURE.format(
        ds=_DS,
        signed_info=signed_info,
        value=base64.b64encode(key.sign_bytes(signed_info.encode())).decode(),
        certificate=key.x5c()[0],
    )
    return f"{text.removesuffix(_END)}{signature}{_END}"


def read(text: str) -> SamlAssertion:
    """Take an assertion apart; raises ValueError if it is none."""
    names = {"saml": TOKEN_TYPE}
    element = parse(text)
    if element.tag != f"{{{TOKEN_TYPE}}}Assertion":
        raise ValueError("this is no SAML 1.1 assertion")
    conditions = element.find("saml:Conditions", names)
    audience = element.findtext("saml:Conditions//saml:Audience", namespaces=names)
    upn = element.findtext(".//saml:Attribute[@AttributeName='UPN']/saml:AttributeValue", namespaces=names)
    if conditions is None or audience is None or upn is None:
        raise ValueError("the assertion lacks its conditions, audience or UPN")
    return SamlAssertion(
        issuer=element.get("Issuer", ""),
        upn=upn,
        audience=audience,
        not_before=_read_time(conditions.get("NotBefore", "")),
        not_on_or_after=_read_time(conditions.get("NotOnOrAfter", "")),
        text=text,
    )


def parse(text: str) -> ElementTree.Element:
    """Parse XML from a client, which may not define entities; raises ValueError if it is none."""
    if "<!" in text:
        raise ValueError("the XML has a document type definition or a comment")
    try:
        return ElementTree.fromstring(text)  # noqa: S314  # without definitions there is nothing to expand or fetch
    except ElementTree.ParseError as error:
        raise ValueError(f"this is no XML: {error}") from error


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime(_TIME)


def _read_time(text: str) -> float:
    return datetime.strptime(text, _TIME).replace(tzinfo=timezone.utc).timestamp()
