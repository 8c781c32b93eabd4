"""The Flask application: every folder a capability, every file plumbing.

Arrows point down only, and import-linter holds them to it:
app, cli → demo → insights → responses → surveys | lifecycle → customers → accounts → plumbing.
`analytics` and `nlp` know nothing of this package; only `insights` imports them.
"""
