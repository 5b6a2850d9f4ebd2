"""A small web app as its users meet it, with msal's confidential client and the authorization code flow."""

import threading
from typing import Any

import msal
from support.entra import AUTHORITY, GRAPH, SECRET, Entra
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from azcred_emulators.directory import contoso


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Write nothing."""


class Shop:
    """The web app on a free port of loopback: `/` sends its users to sign in, `/auth` is where they return.

    `visitors` are the names of those who did, or the errors that came back instead. `after` is where the app sends
    them then; by default it greets them itself. `options` are those of msal's `initiate_auth_code_flow`.
    """

    def __init__(self, entra: Entra, **options: Any) -> None:
        registered = entra.add_web_app(redirect_uris=("http://localhost/auth",), permission_grants=())
        self._msal = msal.ConfidentialClientApplication(
            registered.client_id, client_credential=SECRET, authority=f"{AUTHORITY}/{contoso.TENANT.id}"
        )
        self._flow: dict[str, Any] = {}
        self.options: dict[str, Any] = {"response_mode": "form_post", **options}
        self.after = ""
        self.visitors: list[str] = []
        self._server = make_server("127.0.0.1", 0, Request.application(self._answer), request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://localhost:{self._server.server_port}"

    def _answer(self, request: Request) -> Response:
        if request.path == "/auth":
            result = self._msal.acquire_token_by_auth_code_flow(self._flow, request.values.to_dict())
            self.visitors.append(result.get("id_token_claims", {}).get("name") or result.get("error"))
            return redirect(self.after) if self.after else Response(f"Hello {self.visitors[-1]}")
        if request.path != "/":
            return Response(f"This is {request.path}", 200 if request.path == "/hello" else 404)
        self._flow = self._msal.initiate_auth_code_flow(
            [f"{GRAPH}/User.Read"], redirect_uri=f"{self.url}/auth", **self.options
        )
        return redirect(self._flow["auth_uri"])

    def __enter__(self) -> "Shop":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
