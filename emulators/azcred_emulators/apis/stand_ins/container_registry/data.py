"""How a container registry describes repositories and tags, and how long its tokens last.

Source: "Azure Container Registry REST API", and what azure-containerregistry 1.2 reads.
"""

from collections.abc import Mapping

HOSTS = ("*.azurecr.io", "*.azurecr.us", "*.azurecr.cn")
REFRESH_LIFETIME = 3 * 3600  # seconds
ACCESS_LIFETIME = 75 * 60
ATTRIBUTES: Mapping[str, bool] = {
    "deleteEnabled": True,
    "writeEnabled": True,
    "readEnabled": True,
    "listEnabled": True,
}
