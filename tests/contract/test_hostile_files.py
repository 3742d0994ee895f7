"""Files made to harm: refused by name, before anything of them is used."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from vecattr import Plasmid
from vecattr.errors import DamagedError
from vecattr.files.arrays import ArrayFile, read_table, string_arrays, write_arrays, write_table
from vecattr.files.sealed import SealedBytes, seal
from vecattr.indexes.editing.segment_writer import SegmentWriter
from vecattr.indexes.storage.segment import Segment
from vecattr.vectors import EmbeddingTable

VECTORS = np.eye(3, dtype=np.float32)


def sealed_file(path: Path, fill: Callable[[h5py.File], object]) -> Path:
    """A file with right checksums, whatever `fill` puts into it."""
    held = io.BytesIO()
    with h5py.File(held, "w") as file:
        file.attrs["format"], file.attrs["version"] = "test", 1
        fill(file)
    path.write_bytes(seal(held.getvalue()))
    return path


def external_data(file: h5py.File) -> None:
    file.create_dataset("x", (9,), "u1", external=[("/etc/passwd", 0, 9)])


def virtual_data(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((9,), "u1")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (9,))
    file.create_virtual_dataset("x", layout)


def deep(file: h5py.File) -> None:
    file.create_group("/".join("a" * 40))["x"] = VECTORS


def circle(file: h5py.File) -> None:
    file.create_group("a")["b"] = file["/"]


HOSTILE: list[Callable[[h5py.File], object]] = [
    lambda file: file.__setitem__("x", h5py.ExternalLink("/etc/passwd", "/")),
    lambda file: file.__setitem__("x", h5py.SoftLink("/y")),
    external_data,
    virtual_data,
    lambda file: file.create_dataset("x", data=VECTORS, chunks=(1, 1)),
    lambda file: file.create_dataset("x", data=VECTORS, compression="gzip"),
    lambda file: file.create_dataset("x", data=["text"], dtype=h5py.string_dtype()),
    lambda file: file.create_dataset("x", data=np.zeros(2, [("a", "i4"), ("b", "f8")])),
    lambda file: file.create_dataset("x", data=VECTORS.astype(">f4")),
    lambda file: file.create_dataset("x", data=VECTORS.astype("f2")),
    lambda file: file.create_dataset("x", (2,), h5py.ref_dtype),
    lambda file: file.create_dataset("x", data=h5py.Empty("f4")),
    lambda file: file.create_dataset("x", data=1.0),
    lambda file: file.create_dataset("x", data=np.zeros((1, 1, 1, 1), "u1")),
    lambda file: file.create_dataset("x", (1 << 40,), "u1"),
    lambda file: file.__setitem__("x", np.dtype("f4")),
    lambda file: file.attrs.__setitem__("a", np.arange(9)),
    lambda file: file.attrs.__setitem__("a", file.ref),
    deep,
    circle,
]


@pytest.mark.parametrize("fill", HOSTILE)
def test_what_we_do_not_write_is_refused_unread(
    tmp_path: Path, fill: Callable[[h5py.File], object]
) -> None:
    with pytest.raises(DamagedError, match=r"made\.h5: HDF5 cannot read it"):
        ArrayFile(sealed_file(tmp_path / "made.h5", fill), format="test", version=1)


def directory(**arrays: Any) -> bytes:
    return json.dumps({"arrays": arrays, "attributes": {"format": "test", "version": 1}}).encode()


DIRECTORIES = [
    b"x",
    b"[]",
    b"{}",
    b"[" * 100_000,
    b'{"arrays": {}, "attributes": []}',
    b'{"arrays": [], "attributes": {}}',
    b'{"arrays": {}, "attributes": {"format": "test", "version": 1, "a": [1]}}',
    b'{"arrays": {}, "attributes": {"format": "test", "version": 1, "a": null}}',
    b'{"arrays": {}, "attributes": {"format": "test", "version": true}}',
    *(
        directory(x=place)
        for place in (
            None,
            9,
            "abc",
            ["<f4", [1]],
            ["<f4", [1], 0, 0],
            ["|O", [1], 0],
            ["(", [1], 0],
            [None, [1], 0],
            [["<f4"], [1], 0],
            [">f4", [1], 0],
            ["<f2", [1], 0],
            ["float32", [1], 0],
            ["<f4", 1, 0],
            ["<f4", "1", 0],
            ["<f4", [], 0],
            ["<f4", [1, 1, 1, 1], 0],
            ["<f4", [-1], 0],
            ["<f4", [-1, -1], 0],
            ["<f4", [1.0], 0],
            ["<f4", [True], 0],
            ["<f4", [0, 1 << 70], 0],
            ["<f4", [0, 1 << 61, 1 << 61], 0],
            ["<f4", [1 << 40], 0],
            ["<f4", [1], -4],
            ["<f4", [1], 997],
            ["<f4", [0], 1 << 70],
            ["<f4", [1], "0"],
        )
    ),
]


@pytest.mark.parametrize("given", DIRECTORIES)
def test_a_directory_that_lies_is_refused_unread(tmp_path: Path, given: bytes) -> None:
    (tmp_path / "made.h5").write_bytes(seal(bytes(1000), directory=given))
    with pytest.raises(DamagedError, match=r"made\.h5: its directory cannot be read"):
        ArrayFile(tmp_path / "made.h5", format="test", version=1)


def test_a_directory_that_differs_from_hdf5_is_found() -> None:
    whole = SealedBytes(write_table(EmbeddingTable(("a", "b", "c"), VECTORS)), name="whole")
    body = bytes(whole.view(0, len(whole)))
    for before, after in ((b"[3,3]", b"[3,2]"), (b'"version":1', b'"other":1,"version":1')):
        assert whole.directory.count(before) == 1
        lies = seal(body, directory=whole.directory.replace(before, after))
        file = ArrayFile(lies, format="vecattr-table", version=1)
        with pytest.raises(DamagedError, match="its directory and HDF5 differ"):
            file.check_all()


@pytest.mark.parametrize(
    ("part", "array"),
    [
        ("offsets", np.zeros(2)),
        ("offsets", np.zeros(2, "<i8")),
        ("offsets", np.zeros((2, 1), "<u8")),
        ("bytes", np.zeros(0, "<i4")),
        ("bytes", np.zeros((0, 1), "|u1")),
    ],
)
def test_texts_of_another_type_are_refused(part: str, array: np.ndarray) -> None:
    whole = string_arrays("n", [""])
    made = write_arrays({**whole, f"n/{part}": array}, {"format": "test", "version": 1})
    file = ArrayFile(made, format="test", version=1)
    for read in (lambda: file.strings("n"), lambda: file.string("n", 0)):
        with pytest.raises(DamagedError, match=f"n/{part}'? (is of type|has 2 dimensions)"):
            read()


def test_numbers_picked_from_a_matrix_are_damage() -> None:
    made = write_arrays({"x": VECTORS}, {"format": "test", "version": 1})
    file, places = ArrayFile(made, format="test", version=1), np.arange(2)
    for read in (lambda: file.items("x", places), lambda: file.pieces("x", places, places)):
        with pytest.raises(DamagedError, match="'x' has 2 dimensions"):
            read()


def table() -> dict[str, np.ndarray]:
    """The arrays of a table of three names."""
    file = ArrayFile(
        write_table(EmbeddingTable(("a", "b", "c"), VECTORS)), format="vecattr-table", version=1
    )
    return {name: np.array(file.array(name)) for name in ("names/bytes", "names/offsets")}


@pytest.mark.parametrize("offsets", [[0, 2, 1, 3], [0, 1, 2, 99], [1, 1, 2, 3], [0, 1, 2, 2], []])
def test_offsets_that_lie_are_refused(tmp_path: Path, offsets: list[int]) -> None:
    def fill(file: h5py.File) -> None:
        file.attrs["format"] = "vecattr-table"
        file["vectors"] = VECTORS
        file["names/bytes"] = table()["names/bytes"]
        file["names/offsets"] = np.array(offsets, dtype="<u8")

    with pytest.raises(DamagedError, match=r"made\.h5: the offsets of 'names'"):
        read_table(sealed_file(tmp_path / "made.h5", fill))


def segment_with(change: Callable[[h5py.File], object]) -> bytes:
    """A segment of two plasmids that was changed and sealed again."""
    writer = SegmentWriter(model="m", width=3, keep_sequences=True)
    for row in range(2):
        plasmid = Plasmid(f"p{row}", "ACGTN" * 9, lab="x")
        writer.add_plasmid(plasmid, label="x", vector=VECTORS[row])
    body = SealedBytes(writer.to_bytes(), name="made")
    held = io.BytesIO(bytes(body.view(0, len(body))))
    with h5py.File(held, "r+") as file:
        change(file)
    return seal(held.getvalue())


def other(name: str, data: object) -> Callable[[h5py.File], None]:
    """The change that puts another array into the place of one."""

    def change(file: h5py.File) -> None:
        del file[name]
        file[name] = data

    return change


LIES: list[tuple[Callable[[h5py.File], object], str]] = [
    (lambda file: file.attrs.__setitem__("width", 4), "sequences/vector has 3 .* 4 of"),
    (lambda file: file.attrs.__setitem__("width", "3"), "does not say its model and width"),
    (lambda file: file.attrs.__delitem__("model"), "does not say its model and width"),
    (lambda file: file.__delitem__("sequences/id_row"), "'sequences/id_row' is missing"),
    (other("sequences/lab", np.zeros(3, "<i4")), "sequences/lab has 3 .* 2 of"),
    (other("sequences/vector", np.zeros((2, 3))), "sequences/vector is of type <f8"),
    (other("sequences/vector", np.zeros(2, "<f4")), "sequences/vector is of .* 2 dimensions"),
    (other("sequences/id/offsets", np.zeros(2, "<u8")), "sequences/id/offsets has 1 .* 2 of"),
    (other("labs/weight", np.zeros(9)), "labs/weight has 9 .* 0 of"),
    (other("moments/outer", np.zeros((0, 3, 2))), "moments/outer has 2 .* 3 of"),
    (other("sequences/bases/bytes", np.zeros(9, "<i4")), "bases/bytes is of type <i4"),
]


@pytest.mark.parametrize(("change", "message"), LIES)
def test_a_segment_that_lies_about_its_shape_is_refused(
    change: Callable[[h5py.File], object], message: str
) -> None:
    with pytest.raises(DamagedError, match=message):
        Segment(segment_with(change))


def test_a_segment_that_lies_in_its_content_is_refused_when_it_is_read() -> None:
    odd = Segment(segment_with(other("sequences/topology", np.array([0, 9], "u1"))))
    assert odd.topology(0) == "circular"
    with pytest.raises(DamagedError, match="code 9"):
        odd.topology(1)
    lost = Segment(segment_with(other("sequences/bases/offsets", np.array([0, 5, 999], "<u8"))))
    with pytest.raises(DamagedError, match="sequences/bases/bytes"):
        lost.bases(1)
    long = Segment(segment_with(other("sequences/length", np.array([45, -7], "<i8"))))
    with pytest.raises(DamagedError, match="not -7 letters"):
        long.bases(1)
    groups = Segment(segment_with(other("sequences/group", np.array([-1, 5], "<i4"))))
    with pytest.raises(DamagedError, match="group code outside"):
        groups.plasmid(1)
    strange = Segment(segment_with(other("sequences/id/bytes", np.full(4, 0xFF, "u1"))))
    with pytest.raises(DamagedError, match="not UTF-8"):
        strange.ids([0])
