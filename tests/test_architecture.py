"""Which way the imports point: without circles, whether they stand in functions or are there for annotations."""

from __future__ import annotations

from graphlib import TopologicalSorter

import grimp

PACKAGES = ("azcred_emulators", "pytest_azcred")


def test_no_module_imports_itself_in_a_circle() -> None:
    """Imports in functions and those for annotations count; `lint-imports` checks the directions between folders."""
    graph = grimp.build_graph(*PACKAGES)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the modules of a circle
