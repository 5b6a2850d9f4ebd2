"""What Kusto says of itself, and the names of its types.

Source: "Query/management HTTP response" and "Query V2 HTTP response" of Kusto; azure-kusto-data 6.0.
"""

from collections.abc import Mapping

HOSTS = ("*.kusto.windows.net", "*.kusto.fabric.microsoft.com")
CLIENT_APPLICATION = "db662dc1-0cfe-4e1c-a843-19a68e65be58"
FIRST_PARTY_AUTHORITY = "https://login.microsoftonline.com/f8cdef31-a31e-4b4a-93e4-5f571e91255a"
TYPES: Mapping[type, tuple[str, str]] = {  # of Kusto and of .NET, by those of JSON
    bool: ("bool", "SByte"),
    int: ("long", "Int64"),
    float: ("real", "Double"),
    str: ("string", "String"),
}
DYNAMIC = ("dynamic", "Object")
