"""Builds what would be released and checks it: metadata, contents, workflows, types, the public API, what is in it.

Each check is a function of the release that ends the program with a sentence if something is wrong. In the short form
the wheel has its dependencies from this checkout's .venv; otherwise they come from the package index, as for a user.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PACKAGES = {"pytest_azcred": ".", "azcred_emulators": "emulators"}  # and where each is in the checkout
WORKFLOWS = (".github", "examples/github-actions")
REPOSITORY = "https://github.com/pytest-azcred/pytest-azcred"


@dataclass
class Release:
    """What is checked: the distributions in `dist`, notes and bill of materials in `build`, and the tag, if any.

    `against` is the state in git with which the public API is compared: by default the last release's tag.
    """

    root: Path
    tag: str | None
    against: str | None
    short: bool

    @property
    def dist(self) -> Path:
        """Where the distributions are."""
        return self.root / "dist"

    @property
    def build(self) -> Path:
        """Where everything else is that the checks make."""
        return self.root / "build"

    @property
    def wheel(self) -> Path:
        """The one wheel."""
        [wheel] = self.dist.glob("*.whl")
        return wheel

    @cached_property
    def version(self) -> str:
        """The version, whose one place is pyproject.toml."""
        [version] = re.findall(r'^version = "(.+)"$', (self.root / "pyproject.toml").read_text(), re.MULTILINE)
        return str(version)

    @property
    def environment(self) -> Path:
        """A virtual environment with the wheel."""
        return self.build / "environment"


def run(*command: str | Path, within: Path, **variables: str) -> str:
    """Run a command that must succeed, and return what it printed."""
    environ = {**os.environ, "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]), "NO_COLOR": "1", **variables}
    result = subprocess.run(command, cwd=within, env=environ, capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def section(changelog: str, version: str) -> str:
    """Return what the changelog says of a version, without the heading; raises ValueError if that is incomplete."""
    found = re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |^\[[^\]]+\]: |\Z)",
        changelog,
        re.MULTILINE | re.DOTALL,
    )
    if found is None or not found[1].strip():
        raise ValueError(f"CHANGELOG.md has no section '## [{version}] - YYYY-MM-DD' that says what is new")
    if f"\n[{version}]: {REPOSITORY}/" not in changelog:
        raise ValueError(f"CHANGELOG.md has no link '[{version}]: {REPOSITORY}/...' at its end")
    return found[1].strip() + "\n"


def check_tag(release: Release) -> str:
    """Compare tag, version and changelog, and write the release's notes."""
    if release.tag is None:
        return f"{release.version}, without a tag"
    if release.tag != f"v{release.version}":
        raise SystemExit(f"the tag is {release.tag}, but pyproject.toml has the version {release.version}")
    try:
        notes = section((release.root / "CHANGELOG.md").read_text(), release.version)
    except ValueError as error:
        raise SystemExit(str(error)) from None
    release.build.mkdir(exist_ok=True)
    (release.build / "notes.md").write_text(notes)
    return f"{release.tag}, with notes of {len(notes.splitlines())} lines"


def build(release: Release) -> str:
    """Build the sdist, and from it the wheel, with the time of the last commit in them."""
    shutil.rmtree(release.dist, ignore_errors=True)
    stamp = run("git", "log", "-1", "--format=%ct", within=release.root).strip()
    run("python", "-m", "build", "--no-isolation", ".", within=release.root, SOURCE_DATE_EPOCH=stamp)
    return ", ".join(sorted(path.name for path in release.dist.iterdir()))


def check_metadata(release: Release) -> str:
    """Let twine say whether PyPI would take and show the distributions."""
    return run("twine", "check", "--strict", *release.dist.iterdir(), within=release.root).splitlines()[-1]


def check_contents(release: Release) -> str:
    """Let check-wheel-contents look for what does not belong there; W009 would forbid our two packages."""
    return run("check-wheel-contents", "--ignore", "W009", release.wheel, within=release.root).strip()


def check_workflows(release: Release) -> str:
    """Let zizmor and actionlint read the workflows."""
    run("zizmor", "--offline", "--quiet", "--no-progress", *WORKFLOWS, within=release.root)
    actionlint = shutil.which("actionlint", path=os.pathsep.join([str(release.root / ".stamps/go/bin"), os.defpath]))
    if actionlint is None:
        return "zizmor finds nothing; actionlint is not here, since it needs Go"
    for folder in WORKFLOWS:
        workflows = sorted((release.root / folder).rglob("workflows/*.yml"))
        run(actionlint, "-shellcheck=", "-pyflakes=", *workflows, within=release.root)
    return "zizmor and actionlint find nothing"


def install(release: Release) -> str:
    """Install the wheel into a virtual environment of its own."""
    shutil.rmtree(release.environment, ignore_errors=True)
    venv.create(release.environment, with_pip=False, symlinks=True)
    python = release.environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", python, "install")
    if not release.short:
        run(*pip, release.wheel, within=release.build)
        return "from the package index"
    run(*pip, "--no-deps", release.wheel, within=release.build)
    [site_packages] = release.environment.glob("lib/python*/site-packages")
    [ours] = (release.root / ".venv").glob("lib/python*/site-packages")
    (site_packages / "dependencies.pth").write_text(str(ours))
    return f"from {ours.relative_to(release.root)}"


def incomplete_types(release: Release, package: str) -> list[str]:
    """Return the public names of an installed package whose type is not completely known, with what is missing."""
    command = ("pyright", "--ignoreexternal", "--outputjson", "--verifytypes", package)
    path = os.pathsep.join([str(release.environment / "bin"), str(BIN), os.environ["PATH"]])
    environ = {**os.environ, "PATH": path}  # pyright asks the first `python` where packages are
    result = subprocess.run(command, cwd=release.environment, env=environ, capture_output=True, text=True, check=False)
    try:
        completeness = json.loads(result.stdout)["typeCompleteness"]
    except (ValueError, KeyError):
        raise SystemExit(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}") from None
    if not completeness["symbols"]:
        raise SystemExit(f"pyright finds no public name in {package}")
    return [
        f"{symbol['name']}: {diagnostic['message'].splitlines()[0]}"
        for symbol in completeness["symbols"]
        for diagnostic in symbol["diagnostics"]
        if diagnostic["severity"] == "error" and symbol["isExported"]
    ]


def check_types(release: Release) -> str:
    """Let pyright say whether every public name of both packages has a complete type."""
    with ThreadPoolExecutor() as executor:
        found = executor.map(lambda package: incomplete_types(release, package), PACKAGES)
    incomplete = [line for lines in found for line in lines]
    if incomplete:
        raise SystemExit("these public names have no complete type:\n" + "\n".join(incomplete))
    return f"complete in {' and '.join(PACKAGES)}"


def may_break(earlier: str, later: str) -> bool:
    """Tell whether Semantic Versioning lets a version break the API of an earlier one."""

    def series(version: str) -> list[str]:
        parts = version.removeprefix("v").split(".")
        return parts[:2] if parts[0] == "0" else parts[:1]

    return series(earlier) != series(later)


def check_api(release: Release) -> str:
    """Let griffe compare the public API with that of the last release."""
    against = release.against
    if against is None:
        tags = run("git", "tag", "--merged", "HEAD^", "--sort=-v:refname", "--list", "v*", within=release.root).split()
        if not tags:
            return "there is no earlier release to compare it with"
        against = tags[0]
    breaks = []
    for package, folder in PACKAGES.items():
        command = ("griffe", "check", package, "--search", folder, "--against", against, "--format", "oneline")
        result = subprocess.run(
            [BIN / command[0], *command[1:]], cwd=release.root, capture_output=True, text=True, check=False
        )
        if result.returncode not in (0, 1):
            raise SystemExit(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")
        breaks += (result.stdout + result.stderr).strip().splitlines() if result.returncode else []
    if not breaks:
        return f"compatible with {against}"
    print("\n".join(breaks))
    if release.against is not None:
        return f"{len(breaks)} changes since {against}"
    if may_break(against, release.version):
        return f"{len(breaks)} changes since {against}, which {release.version} may make"
    raise SystemExit(f"{release.version} may not break the API of {against}: see above")


def describe_materials(release: Release) -> str:
    """Write the bill of materials of an environment with the wheel, in CycloneDX's format."""
    file = release.build / "sbom.json"
    python = release.environment / "bin" / "python"
    run("cyclonedx-py", "environment", "--output-reproducible", "--output-file", file, python, within=release.root)
    components = {component["name"] for component in json.loads(file.read_text())["components"]}
    if not {"pytest-azcred", "cryptography", "msal"} <= components:
        raise SystemExit(f"the bill of materials lacks what is installed: it has {sorted(components)}")
    return f"{len(components)} components in build/{file.name}"


SHORT: Sequence[Callable[[Release], str]] = (
    check_tag,
    build,
    check_metadata,
    check_contents,
    check_workflows,
    install,
    check_types,
)
FULL = (*SHORT, check_api, describe_materials)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks, and tell what each found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--tag", help="the tag that is to be released, such as v0.2.0")
    parser.add_argument("--against", help="compare the public API with this commit, instead of the last release")
    parser.add_argument("--short", action="store_true", help="leave out what needs the package index or a release")
    options = parser.parse_args(arguments)
    release = Release(root=ROOT, tag=options.tag, against=options.against, short=options.short)
    started = time.monotonic()
    for check in SHORT if release.short else FULL:
        name = check.__name__.removeprefix("check_").replace("_", " ")
        print(f"{name}: {check(release)}  ({time.monotonic() - started:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
