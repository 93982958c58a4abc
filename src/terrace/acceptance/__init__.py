"""Acceptance on a reader's own account: an environment's whole life under a cap, compared with the sandbox."""
