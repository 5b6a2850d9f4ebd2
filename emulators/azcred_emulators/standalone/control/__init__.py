"""How a server is controlled from outside: an API, events, and pages for people. Nothing here is Azure's."""
