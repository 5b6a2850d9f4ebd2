"""WS-Trust as desktop clients use it: where to send a name and a password, and the assertion that comes back.

Source: WS-Trust 2005 and 1.3 (2007); what AD FS publishes and answers; msal 1.39 as the client.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from azcred_emulators.tokens.saml_assertions import TOKEN_TYPE, parse

_SOAP = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING = "http://www.w3.org/2005/08/addressing"
_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity"
_NAMES = {"s": _SOAP, "a": _ADDRESSING, "o": f"{_SECURITY}-secext-1.0.xsd"}


@dataclass(frozen=True, slots=True)
class WsTrustVersion:
    """A version of WS-Trust: its namespace, and that of the policy by which AD FS announces its endpoint."""

    trust: str
    policy: str
    tokens: str


VERSIONS: Mapping[str, WsTrustVersion] = {
    "2005": WsTrustVersion(
        "http://schemas.xmlsoap.org/ws/2005/02/trust",
        "http://schemas.xmlsoap.org/ws/2005/07/securitypolicy",
        "SignedSupportingTokens",
    ),
    "13": WsTrustVersion(
        "http://docs.oasis-open.org/ws-sx/ws-trust/200512",
        "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702",
        "SignedEncryptedSupportingTokens",
    ),
}

_POLICY = (
    '<wsp:Policy wsu:Id="UserName{name}_policy"><wsp:ExactlyOne><wsp:All><sp:TransportBinding xmlns:sp="{policy}"/>'
    '<sp:{tokens} xmlns:sp="{policy}"><wsp:Policy><sp:UsernameToken><wsp:Policy><sp:WssUsernameToken10/></wsp:Policy>'
    "</sp:UsernameToken></wsp:Policy></sp:{tokens}></wsp:All></wsp:ExactlyOne></wsp:Policy>"
)
_BINDING = (
    '<wsdl:binding name="UserName{name}" type="tns:Trust{name}"><wsp:PolicyReference URI="#UserName{name}_policy"/>'
    '<soap12:binding transport="http://schemas.xmlsoap.org/soap/http"/><wsdl:operation name="Trust{name}Async">'
    '<soap12:operation soapAction="{trust}/RST/Issue" style="document"/></wsdl:operation></wsdl:binding>'
)
_PORT = (
    '<wsdl:port name="UserName{name}" binding="tns:UserName{name}"><soap12:address location="{address}"/>'
    "<wsa10:EndpointReference><wsa10:Address>{address}</wsa10:Address></wsa10:EndpointReference></wsdl:port>"
)
_METADATA = (
    '<?xml version="1.0" encoding="utf-8"?><wsdl:definitions name="SecurityTokenService" '
    'targetNamespace="http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice" '
    'xmlns:tns="http://schemas.microsoft.com/ws/2008/06/identity/securitytokenservice" '
    'xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" '
    'xmlns:wsu="{security}-utility-1.0.xsd" xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" '
    'xmlns:wsa10="{addressing}">{policies}{bindings}<wsdl:service name="SecurityTokenService">{ports}</wsdl:service>'
    "</wsdl:definitions>"
)
_ENVELOPE = (
    '<s:Envelope xmlns:s="{soap}" xmlns:a="{addressing}"><s:Header><a:Action s:mustUnderstand="1">{action}</a:Action>'
    "</s:Header><s:Body>{body}</s:Body></s:Envelope>"
)
_RESPONSE = (
    '<t:RequestSecurityTokenResponse xmlns:t="{trust}"><t:RequestedSecurityToken>{assertion}'
    "</t:RequestedSecurityToken><t:TokenType>{type}</t:TokenType></t:RequestSecurityTokenResponse>"
)
_FAULT = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>a:{code}</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en-US">{reason}</s:Text></s:Reason></s:Fault>'
)


@dataclass(frozen=True, slots=True)
class WsTrustRequest:
    """What a client asks for: an assertion for the relying party `applies_to`, with a user's name and password."""

    username: str
    password: str = field(repr=False)
    applies_to: str


def endpoint(base_url: str, version: str) -> str:
    """Return the address of the endpoint for names and passwords."""
    return f"{base_url}/adfs/services/trust/{version}/usernamemixed"


def metadata(base_url: str) -> str:
    """Return the document (MEX) by which clients find these endpoints."""
    parts = [
        {
            "name": f"WSTrust{name}",
            "address": endpoint(base_url, name),
            "trust": version.trust,
            "policy": version.policy,
            "tokens": version.tokens,
        }
        for name, version in VERSIONS.items()
    ]
    return _METADATA.format(
        security=_SECURITY,
        addressing=_ADDRESSING,
        policies="".join(map(_POLICY.format_map, parts)),
        bindings="".join(map(_BINDING.format_map, parts)),
        ports="".join(map(_PORT.format_map, parts)),
    )


def read(text: str) -> WsTrustRequest:
    """Read a request for a token; raises ValueError if it is none."""
    envelope = parse(text)
    username = envelope.findtext("s:Header//o:Username", namespaces=_NAMES)
    password = envelope.findtext("s:Header//o:Password", namespaces=_NAMES)
    applies_to = envelope.findtext("s:Body//a:EndpointReference/a:Address", namespaces=_NAMES)
    if username is None or password is None or applies_to is None:
        raise ValueError("the request lacks a user name, a password or the party that the token is for")
    return WsTrustRequest(username, password, applies_to)


def response(version: str, assertion: str) -> str:
    """Return the answer with an assertion."""
    trust = VERSIONS[version].trust
    body = _RESPONSE.format(trust=trust, assertion=assertion, type=TOKEN_TYPE)
    if version == "13":
        collection = "t:RequestSecurityTokenResponseCollection"
        body = f'<{collection} xmlns:t="{trust}">{body}</{collection}>'
    return _ENVELOPE.format(soap=_SOAP, addressing=_ADDRESSING, action=f"{trust}/RSTRC/IssueFinal", body=body)


def fault(code: str, reason: str) -> str:
    """Return the answer that refuses."""
    action = f"{_ADDRESSING}/soap/fault"
    return _ENVELOPE.format(
        soap=_SOAP, addressing=_ADDRESSING, action=action, body=_FAULT.format(code=code, reason=escape(reason))
    )
