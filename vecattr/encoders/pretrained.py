"""The encoders that come with vecattr: the paths of their model folders.

They were trained on public plasmids (their MODEL_CARD.md says which and how) and hold no lab
vectors, plasmids or names: an index computes these from its own plasmids. The bag of k-mers has an
evidence ranker (`vecattr.ranking.evidence_ranker`) and is the one that is meant where no kind is
named; the text CNN is to be asked beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from vecattr.encoders.model_folder import CONFIG_FILE, model_identity
from vecattr.errors import MissingError
from vecattr.files.atomic import translated_errors
from vecattr.files.folder import Location, OpenFolder

Kind = Literal["bag", "cnn"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_FOLDERS: dict[Kind, str] = {"bag": "pretrained", "cnn": "pretrained_cnn"}


def shipped_encoder(kind: Kind = "bag") -> Path:
    """A shipped encoder's model folder; MissingError when it was not installed.

    >>> sorted(path.name for path in shipped_encoder().iterdir())
    ['MODEL_CARD.md', 'config.json', 'encoder.safetensors', 'fusion.json']
    """
    folder = files("vecattr") / _FOLDERS[kind]
    if not isinstance(folder, Path) or not (folder / CONFIG_FILE).is_file():
        raise MissingError(
            "the encoder that comes with vecattr is not installed",
            where=str(folder),
            hint="install vecattr again, unpacked, or name a model folder with --model",
        )
    return folder


@contextmanager
def opened_model(folder: Path) -> Iterator[Location]:
    """A model folder, opened, so that no link in it is followed: it may be a stranger's. In the
    shipped ones links are followed, since some installers make them."""
    shipped = [files("vecattr") / name for name in _FOLDERS.values()]
    if not folder.is_dir() or folder in shipped:
        yield folder
        return
    with translated_errors(folder):
        opened = OpenFolder(folder)
    with opened:
        yield opened.root


@lru_cache(maxsize=1)
def shipped_identity() -> str | None:
    """The identity of the shipped bag; None when it was not installed."""
    try:
        return model_identity(shipped_encoder())
    except MissingError:
        return None
