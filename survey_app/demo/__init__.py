"""A made-up workspace, worth looking at from the first screen on.

The story is a pure function of seed and day; telling it twice on one day gives the same answers.
"""
