"""The lake: the facts of every response, as Delta tables that can be made again at any time.

`models` and the database's triggers know what is written and what is no longer true; `state` says
which versions of the tables count, so that a page sees one moment of both. `facts` gives responses
their two shapes; `tables` alone writes files, as `layout` says; `writing`, `tidying` and
`rebuilding` change the lake, one process of the machine at a time, `verifying` proves it. `reading`
counts, with `engines` and `results`. The lake is never the truth: without it, or behind it, the
database answers.
"""
