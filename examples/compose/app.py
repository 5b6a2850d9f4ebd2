"""An app that serves a word from Key Vault, as a virtual machine's identity lets it."""

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

vault = SecretClient("https://shop.vault.azure.net", DefaultAzureCredential())


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = vault.get_secret("greeting").value.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    with ThreadingHTTPServer(
        (os.environ.get("ADDRESS", "0.0.0.0"), int(os.environ.get("PORT", "8000"))), Handler
    ) as server:
        print(f"port {server.server_port}", flush=True)
        server.serve_forever()
