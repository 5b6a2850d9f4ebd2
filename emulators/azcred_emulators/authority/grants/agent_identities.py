"""Agent identities: their blueprint vouches for them with a token that it asks for under an agent's name (`fmi_path`).

Source: "Agent's user account impersonation protocol" of Microsoft Entra Agent ID; recorded tokens; msal 1.39 as the
client.
"""

import base64
import uuid

from azcred_emulators.clouds import Cloud
from azcred_emulators.directory import Application, FederatedCredential
from azcred_emulators.tokens.claims import issuer


def subject(tenant_id: str, client_id: str, path: str) -> str:
    """Return the `sub` of a blueprint's token under the name of an agent, as recorded."""
    return f"/eid1/c/pub/t/{_packed(tenant_id)}/a/{_packed(client_id)}/{path}"


def credential_of(agent: Application, cloud: Cloud) -> tuple[FederatedCredential, ...]:
    """Return the credential that an agent identity has without one being registered: its blueprint's token."""
    if agent.agent_blueprint is None:
        return ()
    name = subject(agent.tenant_id, agent.agent_blueprint, agent.client_id)
    return (FederatedCredential(issuer(cloud, agent.tenant_id, 2), name),)


def _packed(guid: str) -> str:
    """Return a GUID as Entra ID packs it: its bytes in Windows' order, base64url."""
    return base64.urlsafe_b64encode(uuid.UUID(guid).bytes_le).rstrip(b"=").decode()
