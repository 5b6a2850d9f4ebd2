"""Tables that can be read on any screen: long names break at their joints, and narrow screens get a card for each row.

The style sheet docs/static/site.css does the rest.
"""

import re
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

_JOINT = re.compile(r"(?<=\w)[_./(=:,;]+(?=\w)|[0-9a-f]{16}(?=[0-9a-f])")  # the latter within a long number


class Translator(HTML5Translator):
    """Writes the heading of its column into each cell, and where names may break."""

    def visit_entry(self, node: nodes.entry) -> None:
        """Open a cell."""
        super().visit_entry(node)
        if heading := _heading(node):
            self.body[-1] = self.body[-1].replace("<td", f'<td data-heading="{escape(heading)}"', 1)

    def visit_Text(self, node: nodes.Text) -> None:
        """Write a text."""
        super().visit_Text(node)
        if isinstance(node.parent, nodes.literal):
            self.body[-1] = _JOINT.sub(r"\g<0><wbr>", self.body[-1])


def _heading(cell: nodes.entry) -> str:
    """Return the text at the head of a cell's column, nothing for a cell of the head."""
    row = cell.parent
    if isinstance(row.parent, nodes.thead):
        return ""
    for headings in row.parent.parent.findall(nodes.row):  # that of the head is the first
        return str(headings[row.index(cell)].astext())
    return ""


def setup(app: Sphinx) -> dict[str, bool]:
    """Have HTML written this way."""
    app.set_translator("html", Translator, override=True)
    return {"parallel_read_safe": True}
