"""What the token endpoint takes, one module for each grant, and what the grants share."""
