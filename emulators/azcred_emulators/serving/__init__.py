"""Sockets: HTTP servers, the proxy, TLS, and networks that are broken on purpose."""
