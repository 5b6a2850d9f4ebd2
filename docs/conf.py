"""How Sphinx makes the documentation site: `make docs`, with every warning an error."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

project = "pytest-azcred"
author = "the pytest-azcred contributors"
version = release = version_of("pytest-azcred")
html_title = f"pytest-azcred {version}"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "site_pages",
    "site_tables",
    "site_links",
    "site_types",
    "site_accessibility",
]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4

html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "source_repository": "https://github.com/pytest-azcred/pytest-azcred/",
    "source_branch": "main",
    "source_directory": "docs/",
}

default_role = "code"  # what stands in single backticks in a docstring
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
nitpicky = True
# What is documented elsewhere.
nitpick_ignore_regex = [("py:.*", r"(azure|collections|datetime|enum|pathlib|typing|webbrowser)\..*")]
