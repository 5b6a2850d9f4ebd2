"""Azure Storage: what stands before Azurite, which stores, and judges, records and refuses requests in its place."""
