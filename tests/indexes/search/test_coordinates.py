"""Claims about coordinates: an index whose vectors lie in a narrow space answers as one that
compares whole vectors, whatever edits follow, and `verify` compares them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vecattr.attribution import Attribution
from vecattr.cli.commands.demo import encoder_lexicon
from vecattr.datasets.classes import ClassRule
from vecattr.encoders.axes import Axes
from vecattr.encoders.embedder import Embedder, load_embedder
from vecattr.encoders.pretrained import shipped_encoder
from vecattr.errors import DamagedError, MismatchError
from vecattr.files.arrays import write_arrays
from vecattr.indexes.checking import segment_findings
from vecattr.indexes.checking.repair import repair_index
from vecattr.indexes.checking.verify import verify_index
from vecattr.indexes.editing import segment_sink, segment_writer
from vecattr.indexes.editing.add import add_labs
from vecattr.indexes.editing.build import build_index
from vecattr.indexes.editing.edit import compact
from vecattr.indexes.editing.remove import remove_plasmids
from vecattr.indexes.index import Index
from vecattr.indexes.search.stored_rows import ComparedLabs
from vecattr.indexes.storage.live_segment import LiveSegment
from vecattr.indexes.storage.segment import (
    Segment,
)
from vecattr.indexes.storage.segment_schema import AXES, COORDINATES
from vecattr.plasmid import Plasmid
from vecattr.sequences.synthetic import synthetic_plasmids
from vecattr.vectors import Vectors, unit_rows

PLASMIDS = synthetic_plasmids(labs=30, plasmids_per_lab=5, seed=3, lexicon=encoder_lexicon())
STORED = [plasmid for number, plasmid in enumerate(PLASMIDS) if number % 5 < 4]
QUERIES = PLASMIDS[4::5]


def no_axes(embedder: object) -> Axes | None:
    return None


def built(path: Path, stored: Sequence[Any] = STORED) -> Path:
    build_index(path, stored, model=shipped_encoder(), rule=ClassRule(None))
    return path


def without_coordinates(path: Path, stored: Sequence[Any] = STORED) -> Path:
    """An index as it was built before there were coordinates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment_sink, "axes_of", no_axes)
        return built(path, stored)


def asked(path: Path, **options: Any) -> list[Attribution]:
    return list(Index.open(path).query_many(QUERIES, k=30, neighbors=8, **options))


def axes_stored(path: Path) -> list[bool]:
    return [segment.stored.axes is not None for segment in Index.open(path).segments]


def assert_alike(
    first: Sequence[Attribution], second: Sequence[Attribution], *, wide: float = 1e-5
) -> None:
    """The same labs and neighbours in the same order; numbers that differ by rounding alone."""
    for one, other in zip(first, second, strict=True):
        assert [hit.name for hit in one.labs] == [hit.name for hit in other.labs]
        assert [near.id for near in one.neighbors] == [near.id for near in other.neighbors]
        for name in ("score", "cosine", "probability"):
            values = [[getattr(hit, name) for hit in answer.labs] for answer in (one, other)]
            assert values[0] == pytest.approx(values[1], abs=wide), name
        cosines = [[near.cosine for near in answer.neighbors] for answer in (one, other)]
        assert cosines[0] == cosines[1]  # of whole vectors in both


def assert_compacting_keeps_answers(path: Path, *, axes: bool) -> None:
    """And makes one segment, with axes or without."""
    before = asked(path)
    compact(path)
    assert axes_stored(path) == [axes]
    assert_alike(asked(path), before)
    assert verify_index(path).ok


@pytest.mark.parametrize("exclude", [False, True])
@pytest.mark.parametrize("batch_size", [1, 64])
def test_coordinates_tell_what_vectors_tell(tmp_path: Path, batch_size: int, exclude: bool) -> None:
    narrow, whole = built(tmp_path / "narrow"), without_coordinates(tmp_path / "whole")
    assert (axes_stored(narrow), axes_stored(whole)) == ([True], [False])
    options = {"batch_size": batch_size, "exclude_near_copies": exclude}
    # Other numbers are rounded to 12 binary digits.
    assert_alike(asked(narrow, **options), asked(whole, **options), wide=5e-4)
    sizes = [next((path / "segments").glob("*.faiss")).stat().st_size for path in (narrow, whole)]
    assert sizes[0] < sizes[1] / 3


def test_edits_keep_coordinates(tmp_path: Path) -> None:
    path = built(tmp_path / "i", STORED[:80])
    add_labs(path, STORED[80:])
    remove_plasmids(path, [STORED[0].id])
    assert axes_stored(path) == [True, True, True]
    assert verify_index(path).ok
    assert_compacting_keeps_answers(path, axes=True)


def test_an_older_index_stays_without_coordinates(tmp_path: Path) -> None:
    path = without_coordinates(tmp_path / "i", STORED[:80])
    add_labs(path, STORED[80:])
    assert axes_stored(path) == [False, False]
    assert_compacting_keeps_answers(path, axes=False)


def test_vectors_a_little_outside_the_space_have_coordinates(tmp_path: Path) -> None:
    """As those of a GPU, which differ by 1e-5."""

    class Noisy(Embedder):
        def embed(self, plasmids: Sequence[Plasmid]) -> Vectors:
            vectors = self.plain.embed(plasmids)
            chance = np.random.default_rng(len(plasmids))
            return unit_rows(vectors + 1e-5 / 200**0.5 * chance.normal(size=vectors.shape))

    plain = load_embedder(shipped_encoder(), device="cpu")
    noisy = Noisy.__new__(Noisy)
    noisy.__dict__ |= {**vars(plain), "plain": plain}
    path = built(tmp_path / "i", STORED[:80])
    add_labs(path, STORED[80:], embedder=noisy)
    remove_plasmids(path, [STORED[80].id])
    assert verify_index(path).ok
    assert_compacting_keeps_answers(path, axes=True)


def test_an_embedder_that_tells_wrong_axes_is_refused(tmp_path: Path) -> None:
    class Wrong(Embedder):
        axes = np.eye(20, 200, dtype=np.float32)  # type: ignore[assignment]

    wrong = Wrong.__new__(Wrong)
    wrong.__dict__ |= vars(load_embedder(shipped_encoder(), device="cpu"))
    options: dict[str, Any] = {"model": shipped_encoder(), "rule": ClassRule(None)}
    with pytest.raises(MismatchError, match="outside the space"):
        build_index(tmp_path / "i", STORED, embedder=wrong, **options)
    for axes in (2 * np.eye(20, 200, dtype=np.float32), np.eye(20, 200), np.eye(20, 100)):
        Wrong.axes = axes
        with pytest.raises(MismatchError, match="not orthonormal float32"):
            build_index(tmp_path / "i", STORED, embedder=wrong, **options)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (COORDINATES, np.nan, "holds none of unit vectors"),
        (COORDINATES, 3.0, "holds none of unit vectors"),
        (AXES, np.nan, "holds no orthonormal axes"),
        (AXES, 1e30, "holds no orthonormal axes"),
    ],
)
def test_numbers_that_no_vector_has_are_told(
    tmp_path: Path, name: str, value: float, message: str
) -> None:
    [live] = Index.open(built(tmp_path / "i")).segments
    file = live.stored._file
    arrays = {array: file.array(array) for array in file.names}
    arrays[name] = np.array(arrays[name])
    arrays[name][3, 5] = value
    damaged = LiveSegment(live.entry, Segment(write_arrays(arrays, file.attributes)))
    assert any(message in fault for fault in segment_findings._content_faults(damaged))
    with pytest.raises(DamagedError, match=message):
        _ = ComparedLabs([damaged], np.zeros(9, dtype=np.int64), [0], lab_count=1).rows


def test_segments_of_other_axes_are_not_compared(tmp_path: Path) -> None:
    paths = built(tmp_path / "narrow"), without_coordinates(tmp_path / "whole")
    segments = [segment for path in paths for segment in Index.open(path).segments]
    both = ComparedLabs(
        segments, np.zeros(2 * len(STORED), dtype=np.int64), [0, len(STORED)], lab_count=1
    )
    with pytest.raises(DamagedError, match="not those of other segments"):
        _ = both.rows


def test_coordinates_of_other_vectors_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def turned(vectors: Vectors, axes: Axes) -> Vectors:
        return np.roll(vectors @ axes.T, 1, axis=0)

    monkeypatch.setattr(segment_writer, "stored_coordinates", turned)
    path = built(tmp_path / "i")
    errors = [finding.what for finding in verify_index(path).findings if finding.level == "error"]
    assert "coordinates are not those of the vectors" in errors


def test_a_lost_cache_is_made_again_of_coordinates(tmp_path: Path) -> None:
    path = built(tmp_path / "i")
    [file] = (path / "segments").glob("*.faiss")
    data, before = file.read_bytes(), asked(path)
    file.unlink()
    assert asked(path) == before
    repair_index(path)
    assert file.read_bytes() == data
