"""The tools in which developers have signed in: one module for each, and what running them has in common."""
