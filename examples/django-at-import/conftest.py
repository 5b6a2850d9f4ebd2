"""Starts Django, which imports the project: its credential finds App Service, where the whole run is (pytest.ini)."""

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "shop"
django.setup()
import shop  # noqa: E402, F401
