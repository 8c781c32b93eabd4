"""Accounts: workspaces, people, roles, log-in sessions and counted limits.

The lowest capability: everything else hangs off a workspace and nothing here knows what for.
"""
