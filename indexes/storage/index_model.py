"""The model inside an index: its files, checked against the manifest, in; embedder, calibration,
calibration rows and ranker out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vecattr.calibration.calibration import Calibration
from vecattr.calibration.calibration_file import read_calibration_file
from vecattr.encoders.model_folder import (
    CALIBRATION_FILE,
    HELD_OUT_FILE,
    IDENTITY_FILES,
    MODEL_FILES,
    RANKER_FILE,
    TABLES_FILE,
    identity_of,
    read_config,
)
from vecattr.encoders.protocol import SequenceEmbedder
from vecattr.errors import MismatchError, MissingError, UsageError, VecattrError
from vecattr.files.atomic import atomic_write, check_file, read_file, sha256_bytes, sha256_file
from vecattr.files.folder import Location
from vecattr.indexes.storage.index_folder import MODEL_FOLDER
from vecattr.indexes.storage.manifest import FileFacts, Manifest, ModelFiles
from vecattr.ranking.evidence_ranker import EvidenceRanker, read_ranker

if TYPE_CHECKING:
    from vecattr.calibration.calibration_set import HeldOut
    from vecattr.encoders.vocabulary import Disclosure

#: Files up to this size are hashed when the index is opened (bytes) …
SMALL_FILE = 1 << 20
#: … and up to this size when the model is loaded; `verify` hashes all.
MEDIUM_FILE = 1 << 26

Content = TypeVar("Content")


def copy_model(source: Path, target: Location) -> ModelFiles:
    """Copy the files of a model folder into `target` (which exists); what they are, by name.

    MissingError when `source` is no model folder.
    """
    from vecattr.encoders.pretrained import opened_model  # start-up

    with opened_model(source) as opened:
        return _copy_model(opened, target)


def _copy_model(source: Location, target: Location) -> ModelFiles:
    names = sorted(name for name in MODEL_FILES if (source / name).exists())
    if not set(IDENTITY_FILES[:2]) <= set(names):
        raise MissingError(
            "this folder holds no model" if source.is_dir() else "there is no model here",
            where=str(source),
            hint="name a folder that `vecattr train PLASMIDS -o MODEL` wrote",
        )
    for name in names:
        atomic_write(target / name, read_file(source / name), in_shared_folder=True)
    return tuple(
        (name, FileFacts(sha256_file(target / name), (target / name).stat().st_size))
        for name in names
    )


def with_tables(folder: Location, files: ModelFiles, *, identity: str) -> ModelFiles:
    """Write the lookup tables of a model folder's encoder; the files of the model with them."""
    from vecattr.encoders.lookup_file import table_bytes  # start-up

    data = table_bytes(folder, identity=identity)
    atomic_write(folder / TABLES_FILE, data, in_shared_folder=True)
    return tuple(
        sorted({**dict(files), TABLES_FILE: FileFacts(sha256_bytes(data), len(data))}.items())
    )


def model_disclosure(folder: Location, *, identity: str) -> Disclosure | None:
    """What the model in an index's `folder` discloses of the plasmids that it was trained on; None
    where it is not a model of vecattr, or cannot be read."""
    from vecattr.encoders.vocabulary import model_words  # start-up

    try:
        return model_words(folder, identity=identity)
    except VecattrError:
        return None


def checked_disclosure(folder: Location, manifest: Manifest, *, allowed: bool) -> Disclosure | None:
    """The same for an index that is to keep no sequences, None for others; UsageError for k-mers,
    unless they are `allowed`."""
    if manifest.keep_sequences:
        return None
    disclosure = model_disclosure(folder, identity=manifest.model)
    if disclosure is not None and disclosure.k is not None and not allowed:
        raise UsageError(
            f"the model holds {disclosure}, and whoever has the index can turn them back into "
            "bases, though it keeps no sequences",
            hint="leave out --model for the encoder that comes with vecattr, or say "
            "--disclose-model-kmers if these plasmids are no secret",
        )
    return disclosure


def check_model_tables(path: Location, manifest: Manifest) -> None:
    """Validate the lookup tables of an index's encoder, if it has some, as a query does."""
    if TABLES_FILE in dict(manifest.model_files):
        from vecattr.encoders.lookup_file import check_tables  # start-up

        folder = path / MODEL_FOLDER
        check_tables(folder / TABLES_FILE, folder, identity=manifest.model)


def check_model_files(path: Location, manifest: Manifest, *, hashed_up_to: int | None) -> None:
    """Compare the model's files with the manifest: all sizes, and the hashes of files of at most
    so many bytes (None: of all). MissingError or DamagedError name the file."""
    for name, facts in manifest.model_files:
        hashed = hashed_up_to is None or facts.size <= hashed_up_to
        check_file(
            path / MODEL_FOLDER / name, sha256=facts.sha256 if hashed else None, size=facts.size
        )


def check_model_file(path: Location, manifest: Manifest, name: str) -> bool:
    """Whether the manifest lists such a file of the model; MissingError or DamagedError when the
    file is not the one that the index was built with."""
    facts = dict(manifest.model_files).get(name)
    if facts is not None:
        check_file(path / MODEL_FOLDER / name, sha256=facts.sha256, size=facts.size)
    return facts is not None


def load_index_model(
    path: Location, manifest: Manifest, *, device: str = "cpu", threads: int | None = None
) -> SequenceEmbedder:
    """The embedder of an index, with the views it was built with; errors as in
    `check_model_files`."""
    from vecattr.encoders.embedder import engine_of, load_embedder  # start-up

    has_tables = engine_of(read_config(path / MODEL_FOLDER).encoder, device) == "numpy" and (
        TABLES_FILE in dict(manifest.model_files)
    )
    # Lookup tables have checksums of their own, and with them nothing else large is read.
    check_model_files(path, manifest, hashed_up_to=SMALL_FILE if has_tables else MEDIUM_FILE)
    hashes = {name: facts.sha256 for name, facts in manifest.model_files}
    embedder: SequenceEmbedder = load_embedder(
        path / MODEL_FOLDER,
        views=manifest.views,
        device=device,
        threads=threads,
        identity=identity_of(hashes),  # of the files as just checked
        tables=path / MODEL_FOLDER / TABLES_FILE if has_tables else None,
    )
    check_embedder(embedder, model=manifest.model, width=manifest.width, where=str(path))
    check_model_files(path, manifest, hashed_up_to=SMALL_FILE)  # not replaced while it was read
    return embedder


def index_held_out(path: Location, manifest: Manifest) -> HeldOut | None:
    """The held-out plasmids of the model in an index, None when it has none; MissingError or
    DamagedError when the file is not what the index was built with."""
    from vecattr.calibration.calibration_set import read_held_out_file  # start-up

    return _read_checked(path, manifest, HELD_OUT_FILE, read_held_out_file)


def index_ranker(path: Location, manifest: Manifest) -> EvidenceRanker | None:
    """The fusion of the model in an index, None when it has none; errors as `check_model_file`."""
    return _read_checked(path, manifest, RANKER_FILE, lambda file: read_ranker(file.parent))


def index_calibration(path: Location, manifest: Manifest) -> Calibration | None:
    """The calibration of an index, None when it has none; errors as `check_model_file`."""
    return _read_checked(path, manifest, CALIBRATION_FILE, read_calibration_file)


def _read_checked(
    path: Location, manifest: Manifest, name: str, read: Callable[[Location], Content | None]
) -> Content | None:
    """What `read` reads from the file of the model with this usual name, which is checked before
    and after."""
    present = manifest.model_file(name)
    if present is None or not check_model_file(path, manifest, present):
        return None
    content = read(path / MODEL_FOLDER / present)
    check_model_file(path, manifest, present)  # again: the index may have been replaced meanwhile
    return content


def check_embedder(
    embedder: SequenceEmbedder, *, model: str, width: int | None, where: str
) -> None:
    """MismatchError unless the embedder is this model, and of this width (None: of any)."""
    if embedder.identity != model:
        raise MismatchError(
            f"the embedder is model {embedder.identity[:16]}…, expected model {model[:16]}…",
            where=where,
            hint="use the model that belongs here, or build the index again",
        )
    if width is not None and embedder.width != width:
        raise MismatchError(
            f"the embedder's vectors have {embedder.width} numbers, expected {width}",
            where=where,
            hint="build the index again",
        )
