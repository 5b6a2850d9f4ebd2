"""The tenant that every run starts with: Contoso, a user of it, and the developer tools that every tenant has."""

import secrets
from collections.abc import Iterator

from azcred_emulators.directory.entities import (
    ADMIN_CONSENT,
    Application,
    Entity,
    Subscription,
    Tenant,
    User,
)
from azcred_emulators.directory.identifiers import (
    AZURE_CLI_CLIENT_ID,
    SUBSCRIPTION_ID,
    TENANT_ID,
    USER_ID,
    USER_PRINCIPAL_NAME,
)

TENANT = Tenant(TENANT_ID, ("contoso.onmicrosoft.com", "contoso.com"))
SUBSCRIPTION = Subscription(name="Emulated Subscription", tenant_id=TENANT_ID, id=SUBSCRIPTION_ID)
# Microsoft's own tools, which every tenant has: they may act for any user, and share their refresh tokens.
DEVELOPER_TOOLS = {
    "Microsoft Azure CLI": AZURE_CLI_CLIENT_ID,
    "Microsoft Azure PowerShell": "1950a258-227b-4e31-a9cf-717495945fc2",
    "Visual Studio Code": "aebc6443-996d-45c2-90f0-388ff96faa56",
}


def contoso() -> Iterator[Entity]:
    """Yield the tenant, its subscription, a user, and the tools that users have; the password is made anew each time.

    The identities of places where apps run come from the table of environments.
    """
    yield TENANT
    yield SUBSCRIPTION
    yield User(
        name="Dana Developer",
        given_name="Dana",
        surname="Developer",
        tenant_id=TENANT_ID,
        object_id=USER_ID,
        principal_name=USER_PRINCIPAL_NAME,
        mail=USER_PRINCIPAL_NAME,
        password=f"azcred~{secrets.token_urlsafe(24)}",
    )
    for name, client in DEVELOPER_TOOLS.items():
        yield Application(
            name=name,
            tenant_id=TENANT_ID,
            client_id=client,
            public_client=True,
            multi_tenant=True,
            redirect_uris=("http://localhost", "http://localhost:8400"),
            permission_grants=(ADMIN_CONSENT,),
            family=True,
            reusable_refresh_tokens=True,
        )
