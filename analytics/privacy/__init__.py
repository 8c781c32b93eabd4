"""The privacy floor: which rows of a finished table may be seen.

The law of this package:

* `suppress.py` does one table with its margins, whoever made it; `together.py` all tables that are
  shown together, by the algebra in `exposure.py`; `protection.py` whatever is asked of a scope, by
  the `atoms.py` that the planner counts; `pooling.py` puts what hides in one of two periods into
  one row of both; `releases.py` says when answers to anonymous surveys may be counted at all.
* It decides by keys and respondents alone, never by a score: what hides must not tell.
* In doubt it hides: who can't be cleared in time counts as exposed.
* Counting knows nothing of it; `plan.py` never imports this package.
"""
