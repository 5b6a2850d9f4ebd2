"""How people sign in: the authorization request, the steps, the pages, and the codes of devices."""
