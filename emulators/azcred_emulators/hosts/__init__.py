"""The hosts that hand out tokens for managed identities, one module each."""

from collections.abc import Mapping

IMDS_ADDRESS = "169.254.169.254"
_THIS_MACHINE = ("127.0.0.1", "::1")
# Where real machines have a host, if it is not variables alone that say so.
ADDRESSES: Mapping[str, tuple[tuple[str, int], ...]] = {
    "imds": ((IMDS_ADDRESS, 80),),
    "azure-arc": tuple((address, 40342) for address in _THIS_MACHINE),
    "cloud-shell": tuple((address, 50342) for address in _THIS_MACHINE),
}
# The folders of the agent that real machines have with a host.
AGENT_FOLDERS: Mapping[str, tuple[str, ...]] = {"azure-arc": ("/var/opt/azcmagent", "/opt/azcmagent")}
