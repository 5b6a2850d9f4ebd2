"""Container Registry: the exchange of Entra ID's token for its own, and the catalog."""
