"""The grants of the token endpoint by their `grant_type`, each a function from the request to the answer."""

from collections.abc import Callable, Mapping

from azcred_emulators.authority.grants.authorization_code import authorization_code
from azcred_emulators.authority.grants.client_credentials import client_credentials
from azcred_emulators.authority.grants.device_code import device_code
from azcred_emulators.authority.grants.on_behalf_of import on_behalf_of
from azcred_emulators.authority.grants.password import password
from azcred_emulators.authority.grants.refresh_token import refresh_token
from azcred_emulators.authority.grants.saml_bearer import saml_bearer
from azcred_emulators.authority.grants.token_request import TokenRequest
from azcred_emulators.authority.grants.token_response import TokenResponse
from azcred_emulators.authority.grants.user_fic import user_fic

Grant = Callable[[TokenRequest], TokenResponse]

GRANTS: Mapping[str, Grant] = {
    "authorization_code": authorization_code,
    "client_credentials": client_credentials,
    "device_code": device_code,  # its name in version 1
    "password": password,
    "refresh_token": refresh_token,
    "urn:ietf:params:oauth:grant-type:device_code": device_code,
    "user_fic": user_fic,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": on_behalf_of,
    "urn:ietf:params:oauth:grant-type:saml1_1-bearer": saml_bearer,
}
