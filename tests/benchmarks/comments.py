"""Comments understood per CPU second of one core, against VADER alone and bare spaCy.

All sides read the same comments of our corpus in batches, in turn, and are warm: models loaded, but
no comment is read before it counts. CPU time is of this process, so run it with one thread.
"""

import os
import random
import resource
import statistics
import time
from collections.abc import Callable, Sequence

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import spacy  # noqa: E402 - numpy reads the variables when it is imported
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer  # noqa: E402

import nlp  # noqa: E402
from nlp.corpus import languages, read  # noqa: E402
from nlp.detection import detect_many  # noqa: E402
from nlp.language import candidate_languages  # noqa: E402
from nlp.sentiment import probabilities  # noqa: E402
from nlp.themes import packaged_matcher  # noqa: E402
from nlp.words import readable  # noqa: E402

BATCH = 1_000
ROUNDS = 3


def seconds(work: Callable[[list[str]], object], texts: Sequence[str]) -> float:
    """CPU seconds that `work` takes for all texts, in batches."""
    began = time.process_time()
    for start in range(0, len(texts), BATCH):
        work(list(texts[start : start + BATCH]))
    return time.process_time() - began


def against_others(texts: Sequence[str]) -> str:
    """The whole analysis of English comments, VADER's and spaCy's tokens of the same."""
    vader, blank = SentimentIntensityAnalyzer(), spacy.blank("en")
    sides: list[Callable[[list[str]], object]] = [
        nlp.analyse_many,
        lambda batch: [vader.polarity_scores(text) for text in batch],
        lambda batch: list(blank.pipe(batch)),
    ]
    rounds = [[seconds(side, texts) for side in sides] for _ in range(ROUNDS)]
    ours, lexicon, tokens = (
        len(texts) / statistics.median(each) for each in zip(*rounds, strict=True)
    )
    return (
        f"comments      {ours:7.0f}/s   VADER alone {lexicon:7.0f}/s   ratio {ours / lexicon:.2f}"
        f"   bare spaCy tokens {tokens:7.0f}/s   ratio {ours / tokens:.2f}   (English)"
    )


def stages(texts: Sequence[str], codes: Sequence[str]) -> str:
    """The whole analysis in every language, and the share that each stage has of it."""
    allowed = candidate_languages(None)
    code_of = dict(zip(texts, codes, strict=True))

    def themes(batch: list[str]) -> None:
        for text in batch:
            packaged_matcher(code_of[text]).mentions(text)

    parts: dict[str, Callable[[list[str]], object]] = {
        "all": nlp.analyse_many,
        "language": lambda batch: detect_many(batch, allowed),
        "phrases of themes": themes,
        "sentiment of comments": lambda batch: probabilities(batch, [code_of[t] for t in batch]),
    }
    spent = {name: seconds(work, texts) for name, work in parts.items()}
    whole = spent.pop("all")
    shares = "   ".join(f"{name} {100 * each / whole:.0f} %" for name, each in spent.items())
    return (
        f"comments      {len(texts) / whole:7.0f}/s   in {len(set(codes))} languages (goal 5,000)"
        f"   of it: {shares}   the rest: clauses and what stands at them"
    )


def main() -> None:
    """Print the comparisons and the memory."""
    comments = {readable(one.text): code for code in languages() for one in read(code)}
    for code in languages():
        nlp.analyse_many(["It is good, and the delivery was quick."] * 2, [code, None])
    texts = random.Random(1).sample(list(comments), len(comments))
    print(stages(texts, [comments[text] for text in texts]), flush=True)
    print(against_others([text for text in texts if comments[text] == "en"]), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"comments      {peak:.0f} MB at most with {len(languages())} languages (goal 300 with 13)"
    )


if __name__ == "__main__":
    main()
