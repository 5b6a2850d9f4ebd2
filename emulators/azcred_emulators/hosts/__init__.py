"""The hosts that hand out tokens for managed identities, one module each."""

IMDS_ADDRESS = "169.254.169.254"
