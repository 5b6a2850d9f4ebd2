"""What an AADSTS code is; `account_codes` and `request_codes` are the catalogue.

Codes and meanings follow recorded responses and Microsoft's "Microsoft Entra authentication and authorization
error codes". Where neither shows a status, client authentication gives 401 and the rest 400.

A state of the directory or something about the request causes each code, except those of `SCRIPTED_ONLY`: Entra ID
gives them no more (70001 is now 7000112, 70002 is 7000215, 70021 is 700211 to 700213), or only when it is in trouble
itself (50000, 90025, 90033, 90055), or only to devices that are joined to it (900384). A test gets them with the
fault `Refuse`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Aadsts:
    """One code: the OAuth error, the HTTP status, the text as a format string, and MSAL's finer `suberror`."""

    code: int
    error: str
    status: int
    text: str
    suberror: str | None = None


SCRIPTED_ONLY = frozenset({50000, 70001, 70002, 70021, 90025, 90033, 90055, 900384})

# What a text says where whoever raises the error names nothing better.
UNNAMED: Mapping[str, str] = {
    "address": "the address in the request",
    "audience": "the audience",
    "client": "00000000-0000-0000-0000-000000000000",
    "grant": "the grant",
    "issuer": "the issuer",
    "method": "GET",
    "name": "the application",
    "parameter": "the parameter",
    "reason": "No details are given.",
    "resource": "the resource",
    "scope": "the scope",
    "subject": "the subject",
    "tenant": "the tenant",
    "user": "{EmailHidden}",
}
