"""The steps in their order; see the package's docstring."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import click
import numpy as np

import nlp
from nlp.encoder import Encoder
from nlp.encoder.conversion import convert
from nlp.encoder.wheel import Weights, parse, read_member
from nlp.training import calibration, manifest, student, teacher, teaching, texts
from nlp.training.steps import Array, Progress, load_arrays, replaced, save_arrays, step
from nlp.training.student import Examples
from nlp.training.texts import Text

REST = 30_000  # texts without a label or beyond the balance, judged by the teacher alone
PASSES = 2  # of the teacher over its texts
SEEDS = (0, 1, 2)  # of students; the one that reads our own comments best ships
PACKAGE = Path(nlp.__file__).parent
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option("--data", required=True, type=_FOLDER, help="Labelled texts: train/*.jsonl.gz.")
@click.option("--wheel", required=True, type=click.Path(path_type=Path), help="The encoder's.")
@click.option("--work", required=True, type=_FOLDER, help="Where the steps leave their files.")
@click.option("--out", default=PACKAGE, type=_FOLDER, help="The package nlp to write into.")
def main(data: Path, wheel: Path, work: Path, out: Path) -> None:
    """Make the weights of sentiment again."""
    work.mkdir(parents=True, exist_ok=True)

    def sampled(path: Path, tick: Progress) -> None:
        texts.save(texts.everything(data, rest=REST), path)
        tick(1)

    known = texts.load(step(work / "texts.json", "texts", sampled, length=1))
    chain = _Chain(wheel, work, **known)
    chain.run()
    chain.publish(out)


@dataclass
class _Chain:
    wheel: Path
    work: Path
    labelled: list[Text]  # balanced ones of others, and our own
    rest: list[Text]
    plain: list[Text]
    calibrating: list[Text]
    choosing: list[Text]

    @property
    def learnt(self) -> list[Text]:
        return self.labelled + self.rest + self.plain

    @cached_property
    def clauses(self) -> list[Text]:
        """Short ones, which the teacher alone judges."""
        return teaching.clauses(self.labelled + self.rest)

    @property
    def held(self) -> dict[str, list[Text]]:
        """What nothing is learnt from, by its part."""
        return {"calibrating": self.calibrating, "choosing": self.choosing}

    @cached_property
    def weights(self) -> Weights:
        """The encoder as published."""
        return parse(read_member(self.wheel))

    def run(self) -> None:
        number = len(self.labelled)
        self._step("sizes.npy", "states", number)
        self._step("tuned.npz", "teacher", PASSES * number)
        self._step("pieces.npz", "pieces", len(self.learnt))
        pieces = len(load_arrays(self.work / "pieces.npz")["scores"])
        taught = len(self.learnt + self.clauses)
        held = len(self.calibrating + self.choosing)
        self._step("labels.npz", "labels", taught + held + 2 * pieces)
        for seed in SEEDS:
            make, length = partial(self._student, seed=seed), student.steps(taught + pieces)
            step(self._weights_of(seed), f"seed {seed}", make, length=length)

    def _step(self, file: str, name: str, length: int) -> None:
        step(self.work / file, name, getattr(self, f"_{name}"), length=length)

    def _weights_of(self, seed: int) -> Path:
        return self.work / f"weights{seed}.npz"

    def _states(self, path: Path, tick: Progress) -> None:
        plain = [one.text for one in self.labelled]
        teacher.keep_states(self.weights, plain, path.parent, tick)

    def _teacher(self, path: Path, tick: Progress) -> None:
        labels = np.array([one.label for one in self.labelled])
        balance, seen = teaching.balance(self.labelled), PASSES * len(self.labelled)
        tuned = teacher.tune(self.weights, path.parent, labels, balance, seen=seen, tick=tick)
        save_arrays(path, tuned)

    def _pieces(self, path: Path, tick: Progress) -> None:
        parts = self.weights.vocabulary
        places = teaching.chosen_pieces(parts, [one.text for one in self.learnt], tick)
        names = "\n".join(parts.pieces[place] for place in places)
        scores = np.array([parts.scores[place] for place in places], np.float32)
        pieces = np.frombuffer(names.encode(), np.uint8)
        save_arrays(path, {"pieces": pieces, "scores": scores})

    def _labels(self, path: Path, tick: Progress) -> None:
        """What the teacher says, through the run-time that the accurate tier has."""
        directory = self.work / "encoder"
        if not directory.exists():
            convert(self.wheel, directory, tuning=(self.work / "tuned.npz").read_bytes())
        judge, alone = Encoder.open(directory), teaching.bare(self._names())
        arrays = {
            part: teaching.in_chunks(judge.probabilities, [one.text for one in some], tick)
            for part, some in {"learnt": self.learnt + self.clauses, **self.held}.items()
        }
        arrays["bare"] = teaching.in_chunks(judge.probabilities, alone, tick)
        arrays["views"] = teaching.in_chunks(judge.vectors, alone, tick)
        save_arrays(path, arrays)

    def _names(self) -> list[str]:
        stored = load_arrays(self.work / "pieces.npz")["pieces"]
        return stored.tobytes().decode().split("\n")

    @cached_property
    def _scores(self) -> Array:
        return load_arrays(self.work / "pieces.npz")["scores"]

    @cached_property
    def _taught(self) -> tuple[Examples, Array]:
        """What every student learns, and the vectors that it begins with."""
        told = load_arrays(self.work / "labels.npz")
        data = teaching.examples(
            self.learnt + self.clauses,
            told["learnt"],
            names=self._names(),
            scores=self._scores,
            bare_soft=told["bare"],
        )
        return data, student.first_vectors(told["views"], self._scores)

    def _student(self, path: Path, tick: Progress, *, seed: int) -> None:
        data, vectors = self._taught
        pieces = student.learn_pieces(data, vectors, seed=seed, tick=tick)
        grams, bias = student.learn_ngrams(data, seed=seed, tick=tick)
        arrays = student.packed(pieces, grams, bias, names=self._names(), scores=self._scores)
        save_arrays(path, calibration.calibrated(arrays, self.calibrating))

    def publish(self, out: Path) -> None:
        """Put adapter, the best student's weights and manifest into the package."""
        students = {seed: load_arrays(self._weights_of(seed)) for seed in SEEDS}
        tried = {
            seed: self._figures(partial(calibration.probabilities, weights))
            for seed, weights in students.items()
        }
        chosen = calibration.best(tried)
        adapter, labels = (load_arrays(self.work / f"{name}.npz") for name in ("tuned", "labels"))
        right = np.array([one.label for one in self.calibrating])
        adapter["T"] = calibration.temperature(labels["calibrating"], right)
        save_arrays(out / manifest.ADAPTER, adapter)
        save_arrays(out / manifest.WEIGHTS, students[chosen])
        told = manifest.manifest(
            out,
            learnt=self.learnt,
            calibrating=self.calibrating,
            choosing=self.choosing,
            seeds={"texts": texts.SEED, "teacher": teacher.SEED, "student": chosen},
            figures={
                "teacher": {
                    part: calibration.figures(labels[part], some)
                    for part, some in self.held.items()
                },
                **{f"student {seed}": figures for seed, figures in tried.items()},
            },
        )
        with replaced(out / manifest.MANIFEST) as file:
            file.write((json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())
        click.echo(json.dumps(told["figures"], indent=2))

    def _figures(self, reader: Callable[[list[Text]], Array]) -> dict[str, calibration.Figures]:
        """How well a reader of texts does on what nothing was learnt from, by its part."""
        return {part: calibration.figures(reader(some), some) for part, some in self.held.items()}


if __name__ == "__main__":
    main()
