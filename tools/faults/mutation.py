"""Bytes and a random number generator in, mutated bytes out."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
from collections.abc import Callable

#: Byte strings that have a meaning in some file format.
WORDS = (
    b">",
    b"\n>",
    b"\n",
    b"\r",
    b"\r\n",
    b"//",
    b"\n//\n",
    b"LOCUS       ",
    b"ORIGIN",
    b"\x00",
    b"\t",
    b",",
    b'"',
    b'""',
    b";",
    b"sequence_id",
    b"sequence",
    b"lab",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\x1f\x8b\x08",
    b"BZh9",
    b"\xfd7zXZ\x00",
    b"(\xb5/\xfd",
    b"\x80",
    b"\xc3(",
    b"{",
    b"[",
    b"}",
    b"]",
    b"null",
    b"1e999",
    b"NaN",
    b"-1",
    b"99999999999999999999",
    b"\\ud800",
    b"\t\x00\x00",
    b"unknown",
    b"unknown-engineered",
    b"bp",
    b"aa",
    b"circular",
    b"..",
    b"<",
    b"&",
    b"join(",
    b"\xe2\x80\x8b",
    b"EFIL",
    b"-",
    b"*",
    b"U",
    b" " * 80,
    b"A" * 5000,
    b"\x00" * 4096,
)


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def flipped(data: bytes, chance: random.Random) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def inserted(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(WORDS) + data[at:]


def replaced(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data) + 1)
    word = chance.choice(WORDS)
    return data[:at] + word + data[at + len(word) :]


def removed(data: bytes, chance: random.Random) -> bytes:
    first, last = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[:first] + data[last:]


def repeated(data: bytes, chance: random.Random) -> bytes:
    first, last = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    return data[:last] + data[first:last] * chance.randrange(1, 4) + data[last:]


def shuffled_lines(data: bytes, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    chance.shuffle(lines)
    return b"\n".join(lines)


def packed(data: bytes, chance: random.Random) -> bytes:
    pack: Callable[[bytes], bytes] = chance.choice([gzip.compress, bz2.compress, lzma.compress])
    return pack(data)


MUTATIONS = (cut, flipped, inserted, replaced, removed, repeated, shuffled_lines, packed)
_WEIGHTS = (2, 6, 6, 6, 3, 2, 1, 1)


def mutated(data: bytes, chance: random.Random, *, most: int = 6) -> bytes:
    """The bytes after one to `most` mutations, at most a megabyte."""
    count = chance.choice((1, 1, 2, chance.randint(1, most)))
    for mutate in chance.choices(MUTATIONS, _WEIGHTS, k=count):
        data = mutate(data, chance)[: 1 << 20]
    return data
