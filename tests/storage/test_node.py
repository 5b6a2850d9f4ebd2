"""The client for Node.js, which understands Storage's own form of a challenge and no other."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from pytest_azcred.azcred import Azcred
from pytest_azcred.azurite import Azurite

ROOT = Path(__file__).parents[2]
SCRIPT = """
const { BlobServiceClient } = require("@azure/storage-blob");
async function main(tokens) {
  const results = [];
  for (const token of tokens) {
    const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + 3600000 }) };
    const service = new BlobServiceClient("https://myaccount.blob.core.windows.net", credential);
    try {
      results.push((await service.getContainerClient("photos").createIfNotExists()).succeeded);
    } catch (error) {
      results.push([error.name, error.statusCode, error.code]);
    }
  }
  console.log(JSON.stringify(results));
}
main(process.argv.slice(1));
"""


@pytest.mark.skipif(
    shutil.which("node") is None or not (ROOT / "node_modules" / "@azure" / "storage-blob").exists(),
    reason="Node.js or @azure/storage-blob is not installed; run: npm ci",
)
@pytest.mark.timeout(120)
def test_a_good_token_and_one_for_another_service(azcred: Azcred, azurite: Azurite) -> None:
    """The second is refused with what Storage says, where any other challenge ends in a TypeError."""
    audiences = ("https://storage.azure.com", "https://vault.azure.net")
    tokens = [azcred.tokens.mint({"aud": audience}).value for audience in audiences]
    ran = subprocess.run(
        ["node", "-e", SCRIPT, *tokens], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [True, ["RestError", 401, "InvalidAuthenticationInfo"]]
    statuses = [entry.status for entry in azcred.journal.requests(emulator="storage")]
    assert statuses[0] == 201
    assert set(statuses[1:]) == {401}
    assert azurite.contents() == {"https://myaccount.blob.core.windows.net/photos"}
