"""Which shard a lab belongs to: its name in, a number out.

All plasmids of a lab are in one shard, so that the number of labs that have a k-mer adds up over
shards. The number depends on the name alone, and a count of shards that divides another makes
shards of whole shards.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from vecattr.errors import UsageError

#: More shards than this are a mistake.
MOST_SHARDS = 4096


def shard_of(lab: str, *, count: int) -> int:
    """From 0 to `count` - 1, as even as hashes are.

    >>> shard_of("Lab 01", count=1)
    0
    """
    digest = blake2b(lab.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") % count


@dataclass(frozen=True, order=True)
class LabShard:
    """Shard `number` of so many; UsageError for numbers out of range."""

    number: int
    count: int

    def __post_init__(self) -> None:
        check_shard_count(self.count)
        assert 0 <= self.number < self.count, "a shard is one of the shards"

    def holds(self, lab: str) -> bool:
        """Whether a lab belongs to this shard."""
        return shard_of(lab, count=self.count) == self.number


def check_shard_count(count: int) -> None:
    """UsageError for a number of shards out of range."""
    if not 1 <= count <= MOST_SHARDS:
        raise UsageError(
            f"{count} shards, expected 1 to {MOST_SHARDS}",
            hint="give each worker a shard, or a few",
        )
