"""The hosts that hand out tokens for managed identities, one module each.

A host is a class in a module of this package; `catalogue` finds it there.
"""
