"""An encoder's weights: a safetensors file in, checked NumPy arrays by name out, without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays

from vecattr.encoders.config import BagConfig
from vecattr.encoders.model_folder import WEIGHTS_FILE
from vecattr.encoders.quantisation import dequantised, quantised
from vecattr.errors import DamagedError
from vecattr.files.atomic import read_file
from vecattr.files.folder import Location
from vecattr.sequences.kmers import Hashes
from vecattr.vectors import Vectors

#: The names that a bag's vocabulary and table have in the file.
HASHES = "vocabulary.hashes"  # int64 view of the unsigned hashes
TABLE = "tokens.weight"  # float16, or int8 with a step a row
STEPS = "tokens.steps"

#: What the steps of an array of int8 are called: those of `filters.0.weight` `filters.0.steps`.
_WEIGHT_SUFFIX, _STEPS_SUFFIX = ".weight", ".steps"

Arrays = Mapping[str, NDArray[np.generic]]


def read_weights(folder: Location) -> Arrays:
    """The arrays of a model folder as they are stored; DamagedError for another file."""
    path = folder / WEIGHTS_FILE
    try:
        return load_arrays(read_file(path))
    except (SafetensorError, KeyError, TypeError) as cause:
        raise DamagedError(f"not a safetensors file: {cause}", where=str(path)) from cause


def compact_weights(weights: Mapping[str, NDArray[np.floating]]) -> dict[str, NDArray[np.generic]]:
    """Weights of a text CNN by name, each array of several dimensions (n, ...) as int8 with a step
    for each of its n rows (`quantised`), others as float32: a quarter of the bytes."""
    compact: dict[str, NDArray[np.generic]] = {}
    for name, array in weights.items():
        if name.endswith(_WEIGHT_SUFFIX) and array.ndim > 1:
            integers, steps = quantised(array.reshape(len(array), -1).astype(np.float32))
            compact[name] = integers.reshape(array.shape)
            compact[name.removesuffix(_WEIGHT_SUFFIX) + _STEPS_SUFFIX] = steps
        else:
            compact[name] = array.astype(np.float32)
    return compact


def plain_weights(folder: Location, arrays: Arrays) -> dict[str, NDArray[np.float32]]:
    """Weights of a text CNN as float32, those of `compact_weights` among them; DamagedError for
    steps that do not fit."""
    plain = {}
    for name, array in arrays.items():
        if name.endswith(_STEPS_SUFFIX):
            continue
        if array.dtype == np.int8:
            steps = arrays.get(name.removesuffix(_WEIGHT_SUFFIX) + _STEPS_SUFFIX)
            if steps is None or steps.shape != array.shape[:1]:
                raise DamagedError(
                    f"the steps of {name} do not fit", where=str(folder / WEIGHTS_FILE)
                )
            rows = array.reshape(len(array), -1).astype(np.int8, copy=False)
            plain[name] = dequantised(rows, steps.astype(np.float32)).reshape(array.shape)
        else:
            plain[name] = array.astype(np.float32)
    return plain


def vocabulary_hashes(folder: Location, arrays: Arrays) -> Hashes:
    """The hashes of a bag's k-mers (n,), ascending; DamagedError when they are absent or not."""
    hashes = arrays.get(HASHES)
    if hashes is None or hashes.dtype != np.int64:
        raise DamagedError("the k-mers of the vocabulary are absent", where=str(folder))
    unsigned = hashes.view(np.uint64)
    if unsigned.ndim != 1 or not np.all(unsigned[:-1] < unsigned[1:]):
        raise DamagedError("the k-mers of the vocabulary are out of order", where=str(folder))
    return unsigned


@dataclass(frozen=True)
class StoredKmerVectors:
    """The vectors of a bag's k-mers, by id (n + 1, e), as they are stored: float16, or int8 with a
    step for each. They become float32 where they are looked up."""

    stored: NDArray[np.generic]
    steps: NDArray[np.float32] | None

    @classmethod
    def from_arrays(
        cls, folder: Location, arrays: Arrays, config: BagConfig, *, size: int
    ) -> StoredKmerVectors:
        """DamagedError when they are not `size` rows of the configured width."""
        stored, steps = arrays.get(TABLE, np.zeros(0)), arrays.get(STEPS)
        if stored.shape != (size, config.token_width):
            raise DamagedError(
                f"the k-mers' vectors have shape {stored.shape}, expected "
                f"{(size, config.token_width)}",
                where=str(folder / WEIGHTS_FILE),
            )
        if (steps is not None) and (stored.dtype != np.int8 or steps.shape != (size,)):
            raise DamagedError("the steps of the k-mers' vectors do not fit", where=str(folder))
        return cls(stored, None if steps is None else steps.astype(np.float32))

    @property
    def width(self) -> int:
        """Components of a vector, e."""
        return int(self.stored.shape[1])

    def at(self, ids: NDArray[np.int32]) -> Vectors:
        """The vectors of these ids, (t,) -> (t, e) float32."""
        rows = self.stored[ids]
        if self.steps is None:
            return rows.astype(np.float32)
        return dequantised(rows.astype(np.int8, copy=False), self.steps[ids])

    def all(self) -> Vectors:
        """Every vector, (n + 1, e) float32."""
        return self.at(np.arange(len(self.stored), dtype=np.int32))
