"""`soundings nlp evaluate`: how good the analysis of comments is, on this machine."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import click

from nlp.evaluation import Labelled, Report, evaluate, own_corpus
from nlp.results import SENTIMENTS
from survey_app.errors import N_, Malformed

CAP = 1500  # comments of one set and language, the first of the file


@click.command("evaluate")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="A folder of *.jsonl.gz files with text, lang and label. Default: our own corpus.",
)
def evaluate_nlp(data: Path | None) -> None:
    """Print accuracy by language and set, with coverage, calibration and speed."""
    comments = own_corpus() if data is None else list(_read(data))
    _print(evaluate(comments))


def _read(folder: Path) -> Iterator[Labelled]:
    """The labelled comments of a folder's files. Raises Malformed naming file and line."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        source = path.name.removesuffix(".jsonl.gz")
        taken: dict[str, int] = {}
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    row = json.loads(line)
                    text, language, label = row["text"], row["lang"], row["label"]
                except (ValueError, KeyError, TypeError) as error:
                    raise Malformed(
                        "evaluate.line",
                        N_("%(name)s, line %(number)s can't be read: %(reason)s."),
                        hint=N_("Each line is a JSON object with text, lang and label."),
                        name=path.name,
                        number=number,
                        reason=str(error) or type(error).__name__,
                    ) from None
                if label in SENTIMENTS and taken.get(language, 0) < CAP:
                    taken[language] = taken.get(language, 0) + 1
                    yield Labelled(text=text, language=language, source=source, label=label)


def _print(report: Report) -> None:
    click.echo(
        "| set | language | n | macro-F1 | recall negative / neutral / positive | coverage "
        "| calibration error | language told | themes F1 | parts F1 | polarity |"
    )
    click.echo("|" + "---|" * 11)
    for key, told in report.sentiment.items():
        recall = " / ".join(
            f"{told.recall[label]:.0f}" if label in told.recall else "–" for label in SENTIMENTS
        )
        themes, parts = report.themes.get(key), report.parts.get(key)
        cells = [
            key[0],
            key[1],
            str(told.n),
            f"{told.macro_f1:.1f}",
            recall,
            f"{told.coverage:.0f}",
            f"{told.calibration_error:.3f}",
            f"{report.language[key]:.1f}",
            f"{themes.f1:.1f}" if themes else "–",
            f"{parts.f1:.1f}" if parts else "–",
            f"{report.polarity[key]:.0f}" if key in report.polarity else "–",
        ]
        click.echo(f"| {' | '.join(cells)} |")
    languages = sorted({language for _, language in report.sentiment})
    click.echo(f"Mean macro-F1 over {len(languages)} languages: ", nl=False)
    click.echo(f"{report.mean_macro_f1(languages):.2f}")
    click.echo(f"Comments per CPU second, the whole analysis: {report.comments_per_second:.0f}")
