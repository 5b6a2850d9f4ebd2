"""Who vouches for identities to Entra ID: token issuers, CI pipelines, identity bindings, AD FS."""
