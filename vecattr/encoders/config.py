"""An encoder's configuration: its JSON object in, a checked frozen value out, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from vecattr.errors import DamagedError, UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Activation = Literal["selu", "relu", "gelu", "tanh"]
Numbers = Literal["float16", "int8"]
DropoutOf = Literal["numbers", "tokens"]


@dataclass(frozen=True)
class CnnConfig:
    """The published text CNN (Kim 2014; Soares et al. 2022) over byte-pair tokens.

    >>> CnnConfig(kernels=(1, 2, 3)).filters
    256
    """

    kind: Literal["cnn"] = "cnn"
    width: int = 200  # of the unit vector
    pieces: int = 1_000  # of the tokenizer
    token_width: int = 200
    kernels: tuple[int, ...] = tuple(range(1, 13))  # tokens
    filters: int = 256  # of each kernel
    activation: Activation = "selu"
    dropout: float = 0.2  # on token vectors, in training only
    dropout_of: DropoutOf = "numbers"  # single numbers of the vectors, or whole tokens

    def __post_init__(self) -> None:
        require_positive(self, "width", "pieces", "token_width", "filters")
        if not self.kernels or min(self.kernels) < 1:
            raise UsageError(f"kernels must be one or more widths of at least 1: {self.kernels}")
        if self.dropout_of not in get_args(DropoutOf):
            raise UsageError(
                f"dropout_of must be one of {get_args(DropoutOf)}: {self.dropout_of!r}"
            )
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout must lie in [0, 1): {self.dropout}")


@dataclass(frozen=True)
class BagConfig:
    """A bag of canonical k-mers: order-free, the same for every rotation and strand.

    >>> BagConfig(width=32).k
    21
    """

    kind: Literal["bag"] = "bag"
    width: int = 200  # of the unit vector
    k: int = 21
    scaled: int = 8  # one k-mer hash in `scaled` is read
    min_plasmids: int = 2  # training plasmids that must have a k-mer of the vocabulary
    token_width: int = 64  # of a k-mer's vector, projected to `width` when it is narrower
    dropout: float = 0.7  # of k-mers, in training only
    numbers: Numbers = "float16"  # type in which the k-mers' vectors are stored

    def __post_init__(self) -> None:
        require_positive(self, "width", "scaled", "min_plasmids", "token_width")
        if self.numbers not in get_args(Numbers):
            raise UsageError(f"numbers must be one of {get_args(Numbers)}: {self.numbers!r}")
        if not (3 <= self.k <= 31 and self.k % 2):
            raise UsageError(f"k must be odd, from 3 to 31: {self.k}")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout must lie in [0, 1): {self.dropout}")


EncoderConfig = CnnConfig | BagConfig
_KINDS: dict[str, Callable[..., EncoderConfig]] = {"cnn": CnnConfig, "bag": BagConfig}


def require_positive(config: object, *names: str) -> None:
    """UsageError naming the first of these fields that is not greater than 0."""
    for name in names:
        if not getattr(config, name) > 0:
            raise UsageError(f"{name} must be greater than 0, not {getattr(config, name)}")


def encoder_config(data: Mapping[str, Any]) -> EncoderConfig:
    """The encoder's configuration from its JSON object; DamagedError when it is not one."""
    kind = _KINDS.get(str(data.get("kind")))
    if kind is None:
        raise DamagedError(
            f"encoder kind {data.get('kind')!r}, expected one of {', '.join(_KINDS)}",
            hint="the model was made by another version; train it again",
        )
    values = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
    try:
        return kind(**values)
    except (TypeError, UsageError) as cause:
        raise DamagedError(f"not an encoder's configuration: {cause}") from cause


def as_json(config: DataclassInstance) -> dict[str, Any]:
    """The JSON object of a configuration (a frozen dataclass); tuples become lists."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return data
