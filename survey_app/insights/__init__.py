"""Insights: perception, the only speaker to `analytics` and `nlp`.

`comments` alone calls `nlp`, `counts` alone lets the database count, `frames` alone fills the
shapes that `analytics` declares, and every number that leaves (page, table, export) has passed the
privacy floor in `tables`.
"""
