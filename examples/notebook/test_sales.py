"""The notebook from its first cell to its last, in a kernel: a process of its own, which is where the test is."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

NOTEBOOK = Path(__file__).with_name("sales.ipynb")


def outputs():
    """Run the notebook and return what its last cell shows."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=60).execute()
    return [output["data"]["text/plain"] for output in notebook.cells[-1].outputs]


@pytest.fixture(autouse=True)
def vault(azcred):
    vault = azcred.resource("https://shop.vault.azure.net")
    vault.answer("GET", "/secrets/sales-key", json={"value": "hunter2", "id": f"{vault.url}/secrets/sales-key/1"})


@pytest.mark.azcred("machine-learning")
def test_the_sum_is_shown(azcred):
    assert outputs() == ["546"]
    azcred.journal.assert_tokens(host="machine-learning", times=1)


def test_a_reader_who_has_not_signed_in(azcred, fake_nothing):
    """The cell fails with the sentence of the SDK."""
    with pytest.raises(CellExecutionError, match="failed to retrieve a token"):
        outputs()
    azcred.journal.assert_tokens(times=0)
