"""The fake Azure Developer CLI, `azd`."""
