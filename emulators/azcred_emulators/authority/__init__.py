"""The Entra ID token service: `service` answers requests through `sign_in`, `grants` and `errors`, in this order."""
