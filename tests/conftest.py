"""What several test modules share: made plasmids, a fake model and a fake embedder."""

from __future__ import annotations

import math
import os
import random
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# One thread a process, said before the libraries below read it: tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import numpy as np
import pytest
from filelock import FileLock

from vecattr.calibration.calibration import Calibration, Fits, VerdictFit, WorkFit
from vecattr.calibration.open_set import OpenSetScore
from vecattr.calibration.temperature import Temperature
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.model_folder import CALIBRATION_FILE, LABS_FILE, model_identity
from vecattr.plasmid import POOLED, Plasmid
from vecattr.vectors import EmbeddingTable, Vectors, unit_rows

# Whoever starts the tests in the background may have them, and their children, ignore Ctrl-C or the
# end of the terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Without pytest-xdist, or with `-p no:xdist`, its options in pyproject.toml mean nothing."""
    if not pluginmanager.has_plugin("xdist"):
        for option in ("--numprocesses", "--maxprocesses", "--dist"):
            parser.addoption(option, help="means nothing without pytest-xdist")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """No worker for a single file, which is sooner done here; else one a processor."""
    folders = all(Path(argument).is_dir() for argument in config.args)
    return None if folders else 0


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder of this test run that `make` fills in the first process that asks for it, while the
    others wait. Not to be changed."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, done = base / name, base / f"{name}.done"
    with FileLock(base / f"{name}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


class KmerEmbedder:
    """Hashed k-mer counts through a fixed random projection: a SequenceEmbedder without torch."""

    def __init__(self, identity: str, *, width: int = 24, k: int = 5) -> None:
        self.identity = identity
        self.width = width
        self._k = k
        self._rows = np.random.default_rng(7).normal(size=(512, width))

    def embed(self, plasmids: Sequence[Plasmid]) -> Vectors:
        return unit_rows(np.array([self._counts(plasmid.sequence) for plasmid in plasmids]))

    def _counts(self, sequence: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        ring = sequence + sequence[: self._k - 1]
        codes = np.frombuffer(ring.encode(), dtype=np.uint8).astype(np.int64)
        buckets = np.zeros(max(1, len(codes) - self._k + 1), dtype=np.int64)
        for shift in range(min(self._k, len(codes))):
            buckets = buckets * 31 + codes[shift : shift + len(buckets)]
        counts = np.bincount(buckets % 512, minlength=512)
        return counts @ self._rows


class FeatureAwareEmbedder:
    """The vectors of another, `plain`, turned far away where a plasmid has features."""

    def __init__(self, plain: KmerEmbedder) -> None:
        self.identity, self.width, self._plain = plain.identity, plain.width, plain

    def embed(self, plasmids: Sequence[Plasmid]) -> Vectors:
        rows = self._plain.embed(plasmids).astype(np.float64)
        for row, plasmid in zip(rows, plasmids, strict=True):
            if plasmid.features:
                row += 5 * np.eye(self.width)[0]
        return unit_rows(rows)


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def calibration_at(cosine: float) -> Calibration:
    """A calibration whose open-set score is the sigmoid of the best cosine of a named lab, with the
    threshold at this cosine, and probabilities at an inverse temperature of 10 for both kinds of
    work."""
    fit = WorkFit(Temperature(math.log(10), 0.0), tuple(np.linspace(0, 0.99, 100).tolist()))
    verdicts = VerdictFit(OpenSetScore((0.0, 1.0, 0.0, 0.0)), (sigmoid(cosine),) * 100)
    fits = Fits(verdicts, {"known": fit, "new": fit})
    return Calibration(fits, None, rows=100, named=100, source="a test")


@dataclass(frozen=True)
class Workshop:
    """A fake model folder, its embedder, and makers of plasmids and indexes."""

    model: Path
    embedder: KmerEmbedder

    def feature_aware(self) -> FeatureAwareEmbedder:
        """The embedder whose vectors depend on features, too."""
        return FeatureAwareEmbedder(self.embedder)

    def calibration(self, cosine: float) -> Calibration:
        """As `calibration_at`."""
        return calibration_at(cosine)

    def open_set_score(self, cosine: float) -> float:
        """The confidence that this calibration gives to a best cosine."""
        return sigmoid(cosine)

    def calibrated_model(self, folder: Path, *, cosine: float) -> Path:
        """A copy of the model with the calibration above and a learned lab, so that it counts."""
        from vecattr.files.arrays import write_table

        shutil.copytree(self.model, folder)
        learned = np.eye(1, self.embedder.width, dtype=np.float32)
        (folder / LABS_FILE).write_bytes(write_table(EmbeddingTable(("nobody",), learned)))
        (folder / CALIBRATION_FILE).write_bytes(self.calibration(cosine).to_json())
        return folder

    def plasmids(
        self, labs: Sequence[str], *, each: int = 3, seed: int = 0, length: int = 400
    ) -> list[Plasmid]:
        """Some plasmids of each lab; those of a lab share half of their sequence."""
        made = []
        for lab in labs:
            chance = random.Random(f"{seed} {lab}")
            motif = "".join(chance.choices("ACGT", k=length // 2))
            for number in range(each):
                rest = "".join(chance.choices("ACGT", k=length - len(motif)))
                features = {"amp": number % 2, "kan": 1} if number else None
                made.append(
                    Plasmid(
                        f"{lab}-{seed}-{number}",
                        motif + rest,
                        features=features,
                        lab=lab,
                        group=f"paper {number % 2}" if number else None,
                    )
                )
        return made

    def segment(
        self,
        plasmids: Sequence[Plasmid],
        *,
        vectors: Vectors | None = None,
        pooled: Sequence[str] = (),
        removed: Sequence[str] = (),
        renamed: Mapping[str, str] | None = None,
    ) -> Any:
        """A segment in memory with its line in a manifest: labs that are `pooled` share a class;
        `removed` and `renamed` are stored names."""
        from vecattr.indexes.editing.segment_writer import SegmentWriter
        from vecattr.indexes.storage.lab_parts import lab_parts
        from vecattr.indexes.storage.live_segment import LiveSegment
        from vecattr.indexes.storage.manifest import FileFacts, SegmentEntry
        from vecattr.indexes.storage.segment import Segment

        rows = self.embedder.embed(plasmids) if vectors is None else vectors
        writer = SegmentWriter(
            model=self.embedder.identity, width=rows.shape[1], keep_sequences=True
        )
        for plasmid, vector in zip(plasmids, rows, strict=True):
            label = POOLED if plasmid.lab in pooled else plasmid.lab or ""
            writer.add_plasmid(plasmid, label=label, vector=vector)
        writer.add_parts(lab_parts(writer.labels, writer.vectors))
        facts = FileFacts("", 0)
        names = tuple(sorted((renamed or {}).items()))
        entry = SegmentEntry("made", facts, "", len(writer), facts, tuple(removed), names)
        return LiveSegment(entry, Segment(writer.to_bytes()))

    def build(self, path: Path, plasmids: Sequence[Plasmid], **options: Any) -> Any:
        """An index at `path` with the fake embedder."""
        from vecattr.indexes.editing.build import build_index

        usual = {"rule": ClassRule(None), "model": self.model, "embedder": self.embedder}
        return build_index(path, plasmids, **{**usual, **options})

    def edits(self, path: Path) -> dict[str, Callable[..., object]]:
        """Every edit of the index at `path`, which holds Ash and Birch in one of two segments."""
        from vecattr.indexes.editing.edit import add_labs, compact, remove_lab, rename_lab, rollback
        from vecattr.indexes.editing.lab_info import set_lab_info
        from vecattr.indexes.editing.remove import remove_plasmids
        from vecattr.info import LabInfo

        infos = {"Ash": LabInfo("Ash lab", url="https://ash.example.org/")}
        new = self.plasmids(["Fir", "Ash"], seed=1)
        return {
            "add": lambda **o: add_labs(path, new, embedder=self.embedder, **o),
            "remove": lambda **o: remove_lab(path, "Ash", **o),
            "remove-plasmids": lambda **o: remove_plasmids(path, ["Ash-0-1"], **o),
            "lab-info": lambda **o: set_lab_info(path, infos, **o),
            "rename": lambda **o: rename_lab(path, "Ash", "Birch", **o),
            "rollback": lambda **o: rollback(path, **o),
            "compact": lambda **o: compact(path, **o),
        }

    def open(self, path: Path) -> Any:
        """The index at `path`, asked through the fake embedder."""
        from vecattr.indexes.index import Index

        return Index.open(path, embedder=self.embedder)


def make_model(folder: Path, *, labs: EmbeddingTable | None = None, note: str = "") -> Path:
    """A folder with the files of a model, of a few bytes each."""
    from vecattr.files.arrays import write_table

    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"note": "%s"}\n' % note)  # noqa: UP031
    (folder / "encoder.safetensors").write_bytes(b"weights" + note.encode())
    if labs is not None:
        (folder / "labs.h5").write_bytes(write_table(labs))
    return folder


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    model = make_model(tmp_path_factory.mktemp("workshop") / "model")
    return Workshop(model, KmerEmbedder(model_identity(model)))


@pytest.fixture(scope="session")
def other_workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A workshop with another model."""
    model = make_model(tmp_path_factory.mktemp("workshop") / "model", note="other")
    return Workshop(model, KmerEmbedder(model_identity(model)))


@dataclass(frozen=True)
class Shelf:
    """What the command line made of a small collection: its files, a real model and an index."""

    folder: Path
    plasmids: tuple[Plasmid, ...]
    newcomers: tuple[Plasmid, ...]  # of one more lab, in none of the files

    @property
    def table(self) -> Path:
        return self.folder / "plasmids.csv"

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def index(self) -> Path:
        return self.folder / "made.index"

    def fasta(self, path: Path, plasmids: Sequence[Plasmid]) -> Path:
        """A FASTA file of these plasmids."""
        path.write_text("".join(f">{plasmid.id}\n{plasmid.sequence}\n" for plasmid in plasmids))
        return path


def write_table(
    path: Path, plasmids: Sequence[Plasmid], *, newcomers: Sequence[Plasmid] = ()
) -> None:
    """A CSV table as users have them; every fifth row is split=dev, newcomers are split=new."""
    features = sorted(plasmids[0].features or {})
    lines = [",".join(["sequence_id", "sequence", "lab", "publication", "split", *features])]
    for number, plasmid in enumerate([*plasmids, *newcomers]):
        split = "new" if number >= len(plasmids) else "train" if number % 5 else "dev"
        values = [str((plasmid.features or {})[name]) for name in features]
        cells = [plasmid.id, plasmid.sequence, f"{plasmid.lab}", f"{plasmid.group}", split]
        lines.append(",".join([*cells, *values]))
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """A real, tiny, trained model and an index made with it; not to be changed."""
    from vecattr.cli.main import run
    from vecattr.sequences.synthetic import synthetic_plasmids

    everything = tuple(synthetic_plasmids(labs=5, plasmids_per_lab=15, seed=3))
    plasmids, newcomers = everything[:60], everything[60:]

    def make(folder: Path) -> None:
        made = Shelf(folder, plasmids, newcomers)
        write_table(made.table, plasmids)
        chosen = [str(made.table), "--where", "split=train", "-q"]
        small = "--encoder bag --loss cosface --width 32 --token-width 32 --device cpu --threads 1"
        assert run(["train", *chosen, "-o", str(made.model), *small.split()]) == 0
        assert run(["build-index", *chosen, "-m", str(made.model), "-i", str(made.index)]) == 0

    return Shelf(made_once(tmp_path_factory, "shelf", make), plasmids, newcomers)


@pytest.fixture(scope="session")
def calibrated_folds(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Models and indexes of two folds, with enough plasmids held out of both to be calibrated; the
    table has the newcomers as split=new. Not to be changed."""
    from vecattr.cli.main import run
    from vecattr.sequences.synthetic import synthetic_plasmids

    everything = tuple(synthetic_plasmids(labs=7, plasmids_per_lab=30, seed=4, own_gene_share=0.3))
    plasmids, newcomers = everything[:180], everything[180:]

    def make(folder: Path) -> None:
        made = Shelf(folder, plasmids, newcomers)
        write_table(made.table, plasmids, newcomers=newcomers)
        chosen = [str(made.table), "--where", "split=train", "-q"]
        small = "--encoder bag --loss cosface --width 16 --token-width 16 --epochs 6 --folds 2"
        shares = "--validation-share 0.3 --calibration-share 0.2 --device cpu --threads 1"
        options = [*small.split(), *shares.split()]
        assert run(["train", *chosen, "-o", str(made.model), *options]) == 0
        assert run(["build-index", *chosen, "-m", str(made.model), "-i", str(made.index)]) == 0

    return Shelf(made_once(tmp_path_factory, "calibrated-folds", make), plasmids, newcomers)
