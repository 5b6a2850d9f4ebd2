# Every target sets up what it needs; only python3 and make must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := .stamps/installed
AZURITE := .stamps/azurite

GO := .stamps/go/token
JAVA := .stamps/java/classes
AZ := .venv-az/bin/az
RELEASE := .venv-release
ACTIONLINT := .stamps/go/bin/actionlint

.PHONY: help setup browser demo docs examples new-user test test-fast test-wheel check-release test-repeat test-matrix test-pythons test-msal test-go test-java test-services test-az sdk-coverage oracle fuzz load lint format benchmark clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*##  *\(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target text; do \
		printf '%-14s %s\n' "$$target" "$$text"; done

setup: $(INSTALLED) $(AZURITE)  ## what a contributor needs, and the hooks that git runs before a commit
	@if git rev-parse --git-dir >/dev/null 2>&1; then $(BIN)/pre-commit install; fi

demo: .stamps/demo  ## every environment built so far, in a few seconds
	@$(BIN)/azcred demo

test: $(INSTALLED) $(AZURITE)  ## the whole suite
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGUMENTS)

test-fast: $(INSTALLED)  ## what most changes need, in less than a minute: all tests but those marked `slow`
	$(BIN)/python -m pytest -n auto -m "not slow" $(ARGUMENTS)

test-wheel: | $(BIN)/python  ## the fast part of the suite with the wheel in dist/, away from the sources
	$(BIN)/python tools/wheel_tests.py $(ARGUMENTS)

test-repeat: $(INSTALLED) $(AZURITE)  ## the whole suite many times in random order, until a run is not green: RUNS=5
	$(BIN)/python tools/repeat.py $(if $(RUNS),--runs $(RUNS)) $(ARGUMENTS)

test-matrix: $(AZURITE) | $(BIN)/python  ## with other releases of azure-identity: VERSIONS="1.15.0 latest"
	$(BIN)/python tools/matrix.py $(VERSIONS)

test-go: $(INSTALLED) $(GO)  ## azidentity for Go against the emulators
	$(BIN)/python -m pytest tests/go $(ARGUMENTS)

test-java: $(INSTALLED) $(JAVA)  ## azure-identity for Java against the emulators
	$(BIN)/python -m pytest tests/java $(ARGUMENTS)

test-services: .stamps/services  ## the unmodified clients of Azure's services against their stand-ins
	$(BIN)/python -m pytest $(or $(TESTS),tests/services tests/test_documentation.py -k "services or python_blocks") $(ARGUMENTS)

test-pythons: | $(BIN)/python  ## a short form on each version of Python that is here: VERSIONS="3.10 3.13"
	$(BIN)/python tools/pythons.py $(VERSIONS)

test-msal: $(INSTALLED)  ## our credentials with the oldest release of msal that pyproject.toml allows
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --no-deps --target .venv-msal \
		"msal==$$(sed -n 's/^ *"msal>=\([0-9.]*\)".*/\1/p' pyproject.toml).*"
	PYTHONPATH=$(CURDIR)/.venv-msal $(BIN)/python -m pytest tests/credentials -k "ours and not aio" $(ARGUMENTS)

new-user: | $(BIN)/python  ## from the wheel to the first green test in a clean environment, as a new user gets there
	$(BIN)/python tools/new_user.py

examples: $(AZURITE) | $(BIN)/python  ## the tests of the examples, with the built wheel and away from the checkout: NAMES="functions"
	$(BIN)/python tools/examples.py $(NAMES)

test-az: $(INSTALLED) $(AZ)  ## the real Azure CLI against the emulators, and the fake one compared with it
	$(BIN)/python -m pytest tests/azure_cli $(ARGUMENTS)

oracle: $(INSTALLED)  ## our chain against azure-identity's in thousands of situations
	ORACLE_SITUATIONS=$(or $(SITUATIONS),4000) $(BIN)/python -m pytest -n auto tests/oracle $(ARGUMENTS)

fuzz: $(INSTALLED)  ## every endpoint under seeded requests that are nearly right, and odd tokens: REQUESTS=30000 TOKENS=8000 SEED=24
	AZCRED_FUZZ_REQUESTS=$(or $(REQUESTS),30000) AZCRED_FUZZ_TOKENS=$(or $(TOKENS),8000) AZCRED_FUZZ_SEED=$(or $(SEED),24) \
		$(BIN)/python -m pytest -s -o timeout=0 tests/emulators/standalone/test_server_fuzz.py $(ARGUMENTS)

load: $(INSTALLED)  ## a server under load for a minute, and its figures
	AZCRED_LOAD_SECONDS=60 $(BIN)/python -m pytest -s tests/emulators/standalone/test_load.py $(ARGUMENTS)

docs: $(INSTALLED)  ## the documentation site, in build/docs; a warning is an error
	$(BIN)/python -m sphinx --fresh-env --write-all --fail-on-warning --keep-going --nitpicky --quiet docs build/docs
	@echo "build/docs/index.html"

sdk-coverage: $(INSTALLED)  ## the lines of azure-identity that the tests reach; tests/sdk/UNREACHED.md has the others
	$(BIN)/python tools/sdk_coverage.py $(ARGUMENTS)

lint: $(INSTALLED)  ## style, spelling, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/lint-imports

check-release: $(INSTALLED) $(RELEASE) $(ACTIONLINT)  ## build what would be released, and check it: TAG=v0.2.0 AGAINST=main SHORT=1
	$(RELEASE)/bin/python tools/check_release.py $(if $(TAG),--tag "$(TAG)") $(if $(AGAINST),--against "$(AGAINST)") \
		$(if $(SHORT),--short)

benchmark: $(INSTALLED)  ## every figure, beside what a user would pick instead
	$(BIN)/python -m benchmarks $(ARGUMENTS)

format: $(INSTALLED)  ## what can be formatted, and the tables in docs/
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/python tools/environments_page.py
	$(BIN)/python tools/audiences_page.py

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "Python 3.10 or newer is needed; name one with PYTHON=..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }

$(INSTALLED): pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@mkdir -p $(@D) && touch $@

.stamps/services: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --group services
	@mkdir -p $(@D) && touch $@

.stamps/demo: pyproject.toml | $(BIN)/python
	@test -e $(INSTALLED) || { $(BIN)/python -m pip install --quiet --upgrade pip \
		&& $(BIN)/python -m pip install --quiet --editable . --group demo; }
	@mkdir -p $(@D) && touch $@

# Azurite judges the tokens and @azure/identity asks for some; without npm the tests with them are skipped, and say so.
$(AZURITE): package.json package-lock.json
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --loglevel=error; \
	else echo "npm is not here: the tests with Azurite and Node.js will be skipped"; fi
	@mkdir -p $(@D) && touch $@

# The pages are tested in a real browser; without one these tests are skipped, and say so.
browser:  ## a browser for the tests of pages, if none is here: installed with apt-get, as root
	@command -v chromium || command -v google-chrome || { \
		if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
			echo "neither chromium nor google-chrome is here: install one (Debian: apt-get install chromium)"; exit 1; \
		fi; \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
			apt-get -qq install --no-install-recommends chromium fonts-dejavu-core >/dev/null && command -v chromium; }

# Without the toolchain the tests with these programs are skipped, and say so.
$(GO): $(wildcard tests/go/*.go tests/go/go.*)
	@if command -v go >/dev/null; then mkdir -p $(@D) && cd tests/go && go build -o $(CURDIR)/$@ .; \
	else echo "go is not here: the tests with it will be skipped"; fi

$(JAVA): tests/java/pom.xml tests/java/Tokens.java
	@if command -v mvn >/dev/null && command -v javac >/dev/null; then mkdir -p $(@D) \
		&& mvn --quiet --batch-mode --file tests/java/pom.xml dependency:copy-dependencies \
			-DoutputDirectory=$(CURDIR)/$(@D)/lib \
		&& javac -d $@ -cp '$(@D)/lib/*' tests/java/Tokens.java && touch $@; \
	else echo "mvn or javac is not here: the tests with Java will be skipped"; fi

# In an environment of its own, for the Azure CLI pins what it depends on.
$(AZ):
	@$(PYTHON) -m venv .venv-az
	@.venv-az/bin/python -m pip install --quiet --disable-pip-version-check azure-cli==2.91.0

# In an environment of its own: few contributors need these.
$(RELEASE): pyproject.toml | $(BIN)/python
	@$(PYTHON) -m venv $@
	$@/bin/python -m pip install --quiet --upgrade pip
	$@/bin/python -m pip install --quiet --group release
	@touch $@

$(ACTIONLINT):
	@if command -v go >/dev/null; then GOBIN=$(CURDIR)/$(@D) go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12; \
	else echo "go is not here: actionlint is left out"; fi

clean:  ## remove everything that was installed or built
	rm -rf $(VENV) .venv-* .stamps node_modules dist build
