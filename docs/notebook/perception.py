# %% [markdown]
# # Perception in a notebook
#
# Every number and every chart of the product, without the product: `import analytics` on a pandas
# frame of your own. Cells run in Jupyter and VS Code; `python docs/notebook/perception.py` runs
# them all and leaves the charts beside your shell as SVG files. The page that you may be reading
# (docs/notebook.md) is what `python -m tests.tools.notebook` made of them.
#
# The data is made up: a shop with customers in four countries asks two quarters long how likely
# they are to recommend it. Delivery in Germany breaks down in May.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import analytics
from analytics import charts

FOLDER = Path(os.environ.get("NOTEBOOK_FOLDER", "."))
WORDS = {
    "nps": "NPS", "n": "n", "answers": "answers", "empty": "nothing yet", "few": "under 50 answers",
    "weak": "under 30 answers", "withheld": "too few to show", "overall": "all",
    "significant": "differs from the rest", "mentions": "mentions", "net": "net",
    "negative": "negative", "neutral": "neutral", "positive": "positive", "coverage": "scored",
    "promoters": "promoters", "passives": "passives", "detractors": "detractors",
}  # fmt: skip
LOOK = charts.Look(WORDS)


def draw(chart: charts.Picture, name: str) -> None:
    """Show a chart; outside of a notebook write it as NAME.svg, in light and dark by itself."""
    style = f"<style>text{{font-family:sans-serif}}{charts.stylesheet()}</style>"
    picture = charts.svg(chart, prefix=name).replace(">", f">{style}", 1)
    try:
        from IPython.display import SVG, display

        display(SVG(picture))
    except ImportError:
        (FOLDER / f"{name}.svg").write_text(picture, encoding="utf-8")
        print(f"![{name}]({name}.svg)")


def show(table: pd.DataFrame) -> None:
    """Show a table."""
    print(table.to_string(index=False, float_format="{:.2f}".format))


# %% [markdown]
# ## The data: a CSV as you would export it
#
# One row per answer. What people said of themes stands in a second frame, one row per mention.

# %%
rng = np.random.default_rng(2026)
N = 1600
answers = pd.DataFrame(
    {
        "response": range(N),
        "account": rng.integers(0, 400, N),
        "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 181, N), unit="D"),
        "country": rng.choice(["DE", "FR", "IN", "JP"], N, p=[0.4, 0.3, 0.15, 0.15]),
        "channel": rng.choice(["app", "email", "kiosk", "link"], N, p=[0.3, 0.5, 0.003, 0.197]),
        "stage": rng.choice(["onboard", "adopt", "retain", "renew"], N, p=[0.3, 0.35, 0.25, 0.1]),
    }
)
answers["quarter"] = np.where(answers["day"] < "2026-04-01", "Q1", "Q2")
late = (answers["country"] == "DE") & (answers["day"] >= "2026-05-04")
speaks = {
    "delivery": rng.random(N) < np.where(late, 0.8, 0.12),
    "price": rng.random(N) < 0.2,
    "support": rng.random(N) < 0.15,
}
habit = answers["country"].map({"DE": 0.0, "FR": 0.0, "IN": 1.1, "JP": -1.1})
step = answers["stage"].map({"onboard": -0.6, "adopt": 0.0, "retain": 0.5, "renew": 0.2})
mood = 7.9 + habit + step - 3 * speaks["delivery"] - 0.8 * speaks["price"] + speaks["support"]
answers["score"] = np.clip(np.rint(mood + rng.normal(0, 1.9, N)), 0, 10).astype(int)
file = Path(tempfile.mkdtemp()) / "answers.csv"
answers.to_csv(file, index=False)

answers = pd.read_csv(file, parse_dates=["day"])  # from here on it could be your own
spoken = [answers[said].assign(theme=theme) for theme, said in speaks.items()]
mentions = pd.concat(spoken, ignore_index=True)
mentions["polarity"] = np.select(
    [mentions["score"] >= 9, mentions["score"] <= 6], ["positive", "negative"], "neutral"
)
mentions["respondent"] = mentions["response"]
show(answers.head(4))

# %% [markdown]
# ## How do people feel, by country?
#
# A dot is a score, the bar where the score of *all* such customers plausibly lies. A diamond says
# that a country differs from all the others together (`q_value`, since four are tested at once).

# %%
countries = analytics.nps(answers, by="country")
rest = analytics.against_rest(countries, metric="nps")
total = analytics.nps(answers)["nps"].item()
marked = countries.assign(label=countries["country"], significant=rest["significant"])
draw(charts.segments(marked, LOOK, overall=total), "countries")
show(countries)
show(rest)

# %% [markdown]
# ## Too few to show
#
# A handful answered at the kiosk. `suppress` hides their row, and with it the next smallest: else
# it could be worked out from the total.

# %%
channels = analytics.suppress(analytics.nps(answers, by="channel"), respondents="n", k=10)
draw(charts.segments(channels.assign(label=channels["channel"]), LOOK), "channels")
show(channels)

# %% [markdown]
# ## Is India happier than Japan?
#
# Don't read that off the scores: people use the scale differently. If you also asked about a
# company that people dislike and one that they like, `calibrated` says where you stand between.

# %%
anchors = answers[["country"]].merge(
    pd.DataFrame({"anchor": ["disliked", "liked"], "feels": [5.2, 9.2]}), how="cross"
)
feeling = anchors["feels"] + anchors["country"].map({"DE": 0, "FR": 0, "IN": 1.1, "JP": -1.1})
anchors["score"] = np.clip(np.rint(feeling + rng.normal(0, 1.9, len(anchors))), 0, 10).astype(int)
by_country = analytics.tally_nps(answers, by="country")
asked = analytics.tally_nps(anchors, by=["country", "anchor"])
read = analytics.read_countries(by_country, anchors=asked, keys="country", ruler="fitting")
show(read[["country", "nps", "disliked", "liked", "calibrated", "calibrated_low",
           "calibrated_high", "ruler"]])  # fmt: skip

# %% [markdown]
# ## What happened over time?
#
# Weeks, with their bars. `change_points` finds where the level changed for good, `anomalies` marks
# single odd weeks; each has one false alarm in twenty *series*, however many weeks they have.

# %%
weekly = analytics.nps(analytics.bucket(answers, grain="week"), by="bucket")
levels = analytics.change_points(weekly, metric="nps")
marks = [(day, "a new level") for day in levels.table["first"].iloc[1:]]
weekly["label"] = weekly["bucket"].dt.strftime("%d %b")
draw(charts.trend(weekly, LOOK, marks=marks), "trend")
show(levels.table)
odd = analytics.anomalies(weekly.drop(columns="label"), metric="nps")
print("odd weeks:", int(odd["anomaly"].sum()))

# %% [markdown]
# ## Along the lifecycle

# %%
stages = analytics.nps(answers, by="stage").set_index("stage")
stages = stages.loc[["onboard", "adopt", "retain", "renew"]].reset_index()
draw(charts.mountain(stages.assign(label=stages["stage"]), LOOK), "lifecycle")
show(stages)

# %% [markdown]
# ## What changed from the first quarter to the second, and why?
#
# By country and stage. Then the change of the whole splits exactly into *within* (countries
# changed) and *mix* (more of the answers came from other countries).

# %%
now, then = answers[answers["quarter"] == "Q2"], answers[answers["quarter"] == "Q1"]
both = [analytics.nps(side, by=["country", "stage"]) for side in (now, then)]
show(analytics.compare(*both, metric="nps"))
split = analytics.split_change(
    *(analytics.tally_nps(side, by="country") for side in (now, then)), metric="nps"
)
print(f"\nchange {split.change:.1f} = within {split.within:.1f} "
      f"({split.within_low:.1f} to {split.within_high:.1f}) + mix {split.mix:.1f}")  # fmt: skip

# %% [markdown]
# Customers of one account resemble each other. With that in mind the bar of the change is wider:

# %%
show(
    analytics.clustered_change(
        *(analytics.tally_nps(side, by="account") for side in (now, then)),
        cluster="account",
        metric="nps",
    )
)

# %% [markdown]
# ## What do people talk about, and what does it do to the score?
#
# `impact` is the NPS less that of the answers that don't mention the theme; `importance` is each
# theme's part of what can be explained at all. Neither is a cause.

# %%
talk = analytics.themes(mentions)
draw(charts.themes(talk.assign(label=talk["theme"]), LOOK), "themes")
show(analytics.impact(answers, mentions)[["theme", "mentions", "impact", "low", "high"]])
columns = list(speaks)
wide = answers.assign(**{theme: np.where(said, "said", None) for theme, said in speaks.items()})
found = analytics.drivers(wide, columns=[*columns, "country", "stage"])
show(found.table[["driver", "importance", "low", "high", "q_value", "significant", "effect"]])
print(f"R² {found.r2:.2f} of {found.n} answers")

# %% [markdown]
# ## Small segments: best guesses beside the raw scores
#
# The best and the worst of many segments are mostly small ones that were lucky or not. `shrunk` is
# drawn towards the common mean, the more the fewer answers it stands on.

# %%
cells = analytics.nps(answers, by=["country", "stage"])
shrunk = analytics.shrink(cells, metric="nps")
show(shrunk.sort_values("raw").iloc[[0, 1, -2, -1]])

# %% [markdown]
# ## If some customers answer less than others
#
# `rake` finds weights under which the answers have the margins of your customer base, here by
# country and stage at once. Show the weighted score beside the unweighted one.

# %%
tallied = analytics.tally_nps(answers, by=["country", "stage"])
base = {
    "country": {"DE": 50, "FR": 25, "IN": 15, "JP": 10},
    "stage": {"onboard": 20, "adopt": 30, "retain": 30, "renew": 20},
}
raking = analytics.rake(tallied, base)
weighted = analytics.summarise_nps(analytics.roll_up(analytics.weigh(tallied, raking)))
print(f"converged {raking.converged}, design effect {raking.design_effect:.2f}")
show(weighted[["n", "nps", "low", "high", "n_eff"]])

# %% [markdown]
# ## How many answers would it take, and which invitation is better?
#
# `outlook`: answers on either side to see a change of 5 points with 80 % power, and the change that
# today's number would show. `experiment`: two invitations compared, safe to look at every day.

# %%
show(analytics.outlook(by_country, metric="nps")[["country", "n", "needed", "detectable", "power"]])
sent = pd.DataFrame({"variant": ["old", "new"], "n": [410, 540], "asked": [2000, 2000]})
trial = analytics.experiment(sent, metric="response", control="old")
show(trial.table.drop(columns="reason"))
