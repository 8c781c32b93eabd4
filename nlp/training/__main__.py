"""The steps in their order; see the package's docstring."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click
import numpy as np

import nlp
from nlp.encoder import Encoder
from nlp.encoder.conversion import convert
from nlp.encoder.wheel import Weights, parse, read_member
from nlp.training import calibration, manifest, student, teacher, teaching, texts
from nlp.training.steps import Progress, load_arrays, replaced, save_arrays, step
from nlp.training.texts import Text

REST = 30_000  # texts without a label or beyond the balance, judged by the teacher alone
PASSES = 2  # of the teacher over its texts
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
    calibrating: list[Text]

    @property
    def learnt(self) -> list[Text]:
        return self.labelled + self.rest

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
        self._step("labels.npz", "labels", len(self.learnt + self.calibrating) + 2 * pieces)
        self._step("weights.npz", "student", student.steps(len(self.learnt) + pieces))

    def _step(self, file: str, name: str, length: int) -> None:
        step(self.work / file, name, getattr(self, f"_{name}"), length=length)

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
        told = {"learnt": self.learnt, "calibrating": self.calibrating}
        arrays = {
            part: teaching.in_chunks(judge.probabilities, [one.text for one in some], tick)
            for part, some in told.items()
        }
        arrays["bare"] = teaching.in_chunks(judge.probabilities, alone, tick)
        arrays["views"] = teaching.in_chunks(judge.vectors, alone, tick)
        save_arrays(path, arrays)

    def _names(self) -> list[str]:
        stored = load_arrays(self.work / "pieces.npz")["pieces"]
        return stored.tobytes().decode().split("\n")

    def _student(self, path: Path, tick: Progress) -> None:
        told, names = load_arrays(self.work / "labels.npz"), self._names()
        scores = load_arrays(self.work / "pieces.npz")["scores"]
        data = teaching.examples(
            self.learnt, told["learnt"], names=names, scores=scores, bare_soft=told["bare"]
        )
        vectors = student.first_vectors(told["views"], scores)
        pieces = student.learn_pieces(data, vectors, tick=tick)
        grams, bias = student.learn_ngrams(data, tick=tick)
        arrays = student.packed(pieces, grams, bias, names=names, scores=scores)
        save_arrays(path, calibration.calibrated(arrays, self.calibrating))

    def publish(self, out: Path) -> None:
        """Put adapter, weights and manifest into the package."""
        labels = np.array([one.label for one in self.calibrating])
        teacher_says = load_arrays(self.work / "labels.npz")["calibrating"]
        adapter = load_arrays(self.work / "tuned.npz")
        adapter["T"] = calibration.temperature(teacher_says, labels)
        weights = load_arrays(self.work / "weights.npz")
        save_arrays(out / manifest.ADAPTER, adapter)
        save_arrays(out / manifest.WEIGHTS, weights)
        found = calibration.probabilities(weights, self.calibrating)
        told = manifest.manifest(
            out,
            learnt=self.learnt,
            calibrating=self.calibrating,
            seeds={"texts": texts.SEED, "teacher": teacher.SEED, "student": student.SEED},
            figures={
                "student": calibration.figures(found, self.calibrating),
                "teacher": calibration.figures(teacher_says, self.calibrating),
            },
        )
        with replaced(out / manifest.MANIFEST) as file:
            file.write((json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())
        click.echo(json.dumps(told["figures"], indent=2))


if __name__ == "__main__":
    main()
