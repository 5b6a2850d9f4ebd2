"""The hosts that hand out tokens for managed identities, one module each."""
