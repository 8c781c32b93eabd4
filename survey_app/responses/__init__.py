"""Responses: accepting answers from every channel, once, and never losing one.

One operation, `accept`, serves the public page, the widget and the import. It knows nothing of
what the answers will mean: whoever wants work done on them finds it by query.
"""
