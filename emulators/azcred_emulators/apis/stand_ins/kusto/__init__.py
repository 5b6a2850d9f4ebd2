"""Kusto (Azure Data Explorer): where it says whose tokens it takes, and answers to queries."""
