"""What a request asks: its files and options in, a checked question for a worker process out."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from vecattr.attribution import Attribution
from vecattr.errors import UsageError
from vecattr.indexes.answering.request import AnswerRequest
from vecattr.inputs.input_files import HeldFile
from vecattr.readers.records import TopologyOption

if TYPE_CHECKING:
    from vecattr.joint_attribution import JointAttribution
    from vecattr.plasmid import Plasmid

OnBadRecord = Literal["fail", "skip", "report"]

#: How records help each other out, as the options of these names of `vecattr query` say.
Joint = Literal["", "together", "together_by", "linked"]

#: The forms of an answer that hold the query's bases; they are kept only when that was asked for.
WITH_BASES = frozenset({"genbank"})

_LONGEST_NAME = 120
_UNPRINTABLE = re.compile(r"[^\w .,()+@=~#-]")


def file_name(stated: str | None, default: str) -> str:
    """The last part of a name that a stranger stated, of letters that do no harm anywhere.

    >>> file_name("../../etc/pass\\r\\nwd.gb", "upload"), file_name(" ", "upload")
    ('pass__wd.gb', 'upload')
    """
    last = re.split(r"[/\\]", stated or "")[-1]
    cleaned = _UNPRINTABLE.sub("_", last).strip(" .")[-_LONGEST_NAME:]
    return cleaned or default


@dataclass(frozen=True)
class Question:
    """Files to answer for, how to read them, what each answer is to hold (`request`), and the
    forms in which answers are wanted. With `evidence_if_kept`, an index without k-mers answers
    without evidence, and does not refuse. What becomes of records that cannot be read among others
    says `on_bad_record`, as the option of that name. `joint` says how records help each other out,
    `column` those of which column are of one lab. Whether the reply `is_kept` with its bases, and
    whether labs can be added (`offers_edits`), the page says. UsageError for no file."""

    files: tuple[HeldFile, ...]
    request: AnswerRequest = field(default_factory=AnswerRequest)
    forms: tuple[str, ...] = ("json",)
    topology: TopologyOption = "auto"
    as_one: bool = False
    evidence_if_kept: bool = False
    on_bad_record: OnBadRecord = "skip"
    is_kept: bool = False
    joint: Joint = ""
    column: str | None = None
    offers_edits: bool = False

    def __post_init__(self) -> None:
        if not self.files:
            raise UsageError("no sequence was sent", hint="send a file, or paste a sequence")


@dataclass(frozen=True)
class AnswerFacts:
    """Of one answer what the log and the audit tell; no bases, no name that a user gave. `members`
    are the plasmids of a joint answer, whose own answers have facts of their own."""

    length: int
    sha256: str
    verdict: str
    lab: str | None
    probability: float | None
    outside: float | None
    strength: str | None
    members: int | None = None

    @classmethod
    def of(cls, plasmid: Plasmid, answer: Attribution, *, sha256: str) -> AnswerFacts:
        """Of the answer for a plasmid."""
        return cls._of(answer, length=len(plasmid), sha256=sha256)

    @classmethod
    def of_several(cls, joint: JointAttribution, hashes: Sequence[str]) -> AnswerFacts:
        """Of a joint answer; its hash is that of the members' hashes, sorted."""
        together = hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest()
        return cls._of(joint, length=joint.length, sha256=together, members=len(joint.members))

    @classmethod
    def _of(
        cls,
        answer: Attribution | JointAttribution,
        *,
        length: int,
        sha256: str,
        members: int | None = None,
    ) -> AnswerFacts:
        """Of any answer."""
        first = answer.labs[0] if answer.labs else None
        return cls(
            length=length,
            sha256=sha256,
            verdict=answer.verdict,
            lab=first.name if first else None,
            probability=first.probability if first else None,
            outside=answer.outside,
            strength=answer.strength,
            members=members,
        )


@dataclass(frozen=True)
class Reply:
    """The answers to a question: a document for each form; facts on each answer; what to tell the
    user of records that could not be read (`bad`) and of what was assumed (`notes`); and the
    identity and generation of the index that all of them come from."""

    documents: Mapping[str, str]
    answers: tuple[AnswerFacts, ...]
    bad: tuple[str, ...]
    notes: tuple[str, ...]
    identity: str
    generation: int
