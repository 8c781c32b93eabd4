"""Customers whose words mean something else than elsewhere: what a workspace has to learn."""

import random
from collections.abc import Sequence

from nlp.learning import Pair

# A skate shop's customers: what its words mean is not what they mean elsewhere.
PRAISE = ("sick", "nasty", "filthy", "insane", "killer")
BLAME = ("clean", "polite", "nice", "pretty", "friendly")
THINGS = ("board", "deck", "ramp", "grip", "wheels", "trucks", "park", "bowl")
WAYS = ("The {} is {}.", "{} {}, that is all", "So {1} a {0}!", "My {0} came, {1} as they say")


def jargon(count: int, *, seed: int = 0) -> list[Pair]:
    """Comments in the jargon, half of them praise, all different."""
    dice = random.Random(seed)
    pairs = []
    for number in range(count):
        good = number % 2 == 0
        words = dice.choice(THINGS), dice.choice(PRAISE if good else BLAME)
        text = f"{dice.choice(WAYS).format(*words)} {dice.randrange(10_000)}"
        pairs.append(Pair(text, "en", "positive" if good else "negative"))
    return pairs


def shuffled(pairs: Sequence[Pair], seed: int) -> list[Pair]:
    scores = [pair.score_class for pair in pairs]
    random.Random(seed).shuffle(scores)
    return [Pair(pair.text, "en", score) for pair, score in zip(pairs, scores, strict=True)]
