"""What serves managed identity: one module for each host, with its data and what is particular about it."""
