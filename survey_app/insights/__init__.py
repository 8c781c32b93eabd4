"""Insights: perception, the only speaker to `analytics` and `nlp`.

`comments` alone calls `nlp`. All counting goes through `lake.reading`, from the lake and the
database together; `lake.facts` and `frames` alone fill the shapes that `analytics` declares, and
every number that leaves (page, table, export) has passed the privacy floor in `tables`. Answers to
anonymous surveys exist for all of it once `releases` has published them.
"""
