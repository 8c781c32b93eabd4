"""Change: is it real, where does it come from, what do people complain of now.

Numbers come from `insights.tables` alone, for each period by itself, so that they have passed the
privacy floor; all else here is reckoned from what is shown (`analytics.privacy.pooling` says why
that tells nothing more). Nothing is counted.
"""
