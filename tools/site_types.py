"""Signatures: whose are shown, and where their types lead.

Most types are imported for type checkers alone, so that Sphinx sees their short names.
"""

from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode


def setup(app: Sphinx) -> dict[str, bool]:
    """Resolve what Sphinx does not find, and show no constructor that is not for users."""
    app.connect("missing-reference", _resolve)
    app.connect("autodoc-process-signature", _signature)
    return {"parallel_read_safe": True}


def _resolve(
    app: Sphinx, environment: BuildEnvironment, reference: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Link a name to the first documented object of that name; in a signature, another name stays a text."""
    if reference["refdomain"] != "py":
        return None
    domain = environment.domains["py"]
    assert isinstance(domain, PythonDomain)
    name = reference["reftarget"].rpartition(".")[2]
    for full_name, entry in sorted(domain.objects.items()):
        if full_name.rpartition(".")[2] == name and entry.objtype in ("class", "exception", "data", "function"):
            return make_refnode(app.builder, reference["refdoc"], entry.docname, entry.node_id, content)
    is_in_signature = "refspecific" in reference  # a role has it for names with a leading dot alone
    return content if is_in_signature else None


def _signature(
    app: Sphinx, kind: str, name: str, object_: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str, None] | None:
    """Drop the signature of a class whose documentation says nothing of arguments: its objects are handed out."""
    is_handed_out = kind in ("class", "exception") and ":param" not in (object_.__doc__ or "")
    return ("", None) if is_handed_out else None
