"""What App Configuration keeps, and how it names it.

Source: the REST API of App Configuration, version 1.0: "Key-values", "Keys", "Labels"; "Key Vault references".
"""

import re

HOSTS = ("*.azconfig.io", "*.azconfig.azure.*", "*.appconfig.azure.*")
SETTING = "application/vnd.microsoft.appconfig.kv+json; charset=utf-8"
SETTINGS = "application/vnd.microsoft.appconfig.kvset+json; charset=utf-8"
REFERENCE = "application/vnd.microsoft.appconfig.keyvaultref+json;charset=utf-8"
NO_LABEL = "\0"  # what stands for it in a filter
NAME = re.compile(r"(?P<key>.+?)(?:\[(?P<label>[^\[\]]*)\])?")  # of a setting with its label, as tests write it
