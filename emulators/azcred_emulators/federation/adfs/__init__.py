"""AD FS: where the users of a federated domain sign in, by WS-Trust or with the token service of its own.

`service` is the emulator, `ws_trust` the SOAP messages, `saml` the assertions that Entra ID takes for a sign-in, and
`oauth2` the token service.
"""
