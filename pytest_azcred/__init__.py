"""Test apps that use DefaultAzureCredential, offline and unmodified."""
