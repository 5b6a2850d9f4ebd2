"""`python -m pytest_azcred` is the `azcred` command."""

import sys

from pytest_azcred.cli.main import main

sys.exit(main())
