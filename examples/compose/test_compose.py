"""The server and the app of `compose.yaml` as two processes, with the same configuration and variables."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent


def test_the_app_reads_the_vault(tmp_path):
    """It asks the server for its identity and, through the server as proxy, the vault for the word."""
    authority = tmp_path / "azcred.pem"
    configuration = tmp_path / "azcred.toml"  # on free ports, and under the name that this machine has for itself
    text = (HERE / "azcred.toml").read_text().replace('["azcred"]', '["localhost"]')
    configuration.write_text(text.replace("8400", "0").replace("8443", "0").replace("0.0.0.0", "127.0.0.1"))
    serve = [sys.executable, "-m", "pytest_azcred", "serve", "--config", configuration, "--ca-file", authority]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().split()[3]
            variables = {
                "AZURE_POD_IDENTITY_AUTHORITY_HOST": url,
                "HTTP_PROXY": url,
                "HTTPS_PROXY": url,
                "NO_PROXY": "localhost,127.0.0.1",
                "REQUESTS_CA_BUNDLE": str(authority),
                "ADDRESS": "127.0.0.1",
                "PORT": "0",
            }
            environ = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "AZCRED_"))}
            with subprocess.Popen(
                [sys.executable, HERE / "app.py"], env=environ | variables, stdout=subprocess.PIPE, text=True
            ) as app:
                try:
                    port = app.stdout.readline().split()[1]
                    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
                    with opener.open(f"http://127.0.0.1:{port}", timeout=60) as answer:
                        assert answer.read() == b"hello from the vault"
                finally:
                    app.terminate()
        finally:
            server.terminate()
