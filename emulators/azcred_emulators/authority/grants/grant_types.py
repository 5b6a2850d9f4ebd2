"""The grants of the token endpoint by their `grant_type`."""

from collections.abc import Mapping

from azcred_emulators.authority.grants.authorization_code import AUTHORIZATION_CODE
from azcred_emulators.authority.grants.client_credentials import CLIENT_CREDENTIALS
from azcred_emulators.authority.grants.device_code import DEVICE_CODE
from azcred_emulators.authority.grants.grant import Grant
from azcred_emulators.authority.grants.on_behalf_of import ON_BEHALF_OF
from azcred_emulators.authority.grants.password import PASSWORD
from azcred_emulators.authority.grants.refresh_token import REFRESH_TOKEN
from azcred_emulators.authority.grants.saml_bearer import SAML_BEARER
from azcred_emulators.authority.grants.user_fic import USER_FIC

GRANTS: Mapping[str, Grant] = {
    "authorization_code": AUTHORIZATION_CODE,
    "client_credentials": CLIENT_CREDENTIALS,
    "device_code": DEVICE_CODE,  # its name in version 1
    "password": PASSWORD,
    "refresh_token": REFRESH_TOKEN,
    "urn:ietf:params:oauth:grant-type:device_code": DEVICE_CODE,
    "user_fic": USER_FIC,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": ON_BEHALF_OF,
    "urn:ietf:params:oauth:grant-type:saml1_1-bearer": SAML_BEARER,
}
