"""User realm discovery: whether a user's password is checked here or by the organization's own sign-in service.

Shapes: what msal 1.39 asks for before the password grant, and reads.
"""

from azcred_emulators.clouds import Cloud
from azcred_emulators.directory import Directory


def user_realm(directory: Directory, name: str, *, cloud: Cloud) -> dict[str, object]:
    """Return the answer for a user's principal name, of which the domain decides."""
    domain = name.rpartition("@")[2].lower()
    tenant = directory.tenant(domain) if "@" in name else None
    answer: dict[str, object] = {
        "ver": "1.0",
        "account_type": "Unknown",
        "cloud_instance_name": cloud.instance_name,
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    }
    if tenant is None:
        return answer
    answer |= {"account_type": "Managed", "domain_name": domain}
    if domain in (name.lower() for name in tenant.federated_domains):
        answer |= {
            "account_type": "Federated",
            "federation_protocol": "WSTrust",
            "federation_metadata_url": f"https://sts.{domain}/adfs/services/trust/mex",
            "federation_active_auth_url": f"https://sts.{domain}/adfs/services/trust/2005/usernamemixed",
        }
    return answer
