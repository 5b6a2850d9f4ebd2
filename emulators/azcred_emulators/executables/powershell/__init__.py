"""The fake PowerShell with the module Az.Accounts, `pwsh`."""
