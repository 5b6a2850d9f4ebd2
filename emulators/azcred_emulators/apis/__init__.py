"""The APIs that apps call with their tokens: Microsoft Graph, Azure Resource Manager, and a test's own."""
