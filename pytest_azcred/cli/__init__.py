"""The command `azcred`: one module for each verb."""
