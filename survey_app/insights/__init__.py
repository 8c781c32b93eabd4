"""Insights: perception, the only speaker to `analytics` and `nlp`.

`comments` alone calls `nlp`, `frames` alone fills the shapes that `analytics` declares, and every
number that leaves (page, table, export) has passed the privacy floor here.
"""
