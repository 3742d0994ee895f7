"""A worker process: questions in through a pipe, replies, each from one generation, out.

It opens the index once and again whenever that has changed, never during a question. Files of
strangers are read here, so that one that takes too long, or too much, ends this process alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from vecattr.cli.rendering.bad_records import BadQueries
from vecattr.cli.rendering.format_names import MARKED
from vecattr.cli.rendering.formats import Cell, Row
from vecattr.cli.rendering.labs import COLUMNS, lab_rows
from vecattr.cli.serving.documents import PAGE, Answered, document
from vecattr.cli.serving.messages import LOOK, Done, Failure, IndexFacts, Job, Tell, frames_of
from vecattr.cli.serving.question import AnswerFacts, Question, Reply
from vecattr.cli.serving.settings import RequestLimits
from vecattr.errors import ArtifactError, InputError, LimitError, VecattrError
from vecattr.indexes.answering.worker_pool import end_with_parent
from vecattr.indexes.index import Panel, open_panel
from vecattr.indexes.storage.index_folder import MANIFEST_FILE, expand_folds
from vecattr.inputs.limits import Limits
from vecattr.joint_attribution import groups_of
from vecattr.plasmid import Plasmid
from vecattr.posix import give_back_memory
from vecattr.ranking.rank_fusion import Fusion
from vecattr.readers.plasmids import ReadOptions, read_plasmids
from vecattr.sequences.canonical import canonical_sequence

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

#: What a manifest's file is known by: its place on disk, its size and when it was written.
Signature = tuple[tuple[int, ...], ...]


@dataclass
class Opening:
    """The indexes of the service, opened; again when one of them has changed."""

    paths: Sequence[Path]
    fusion: Fusion
    weights: tuple[float, ...] = ()
    _panel: Panel | None = None
    _signature: Signature = ()

    def present(self) -> tuple[Panel, bool]:
        """The present generation, and whether it was opened now; errors as `open_panel`."""
        signature = _signature(self.paths)
        if self._panel is not None and signature == self._signature:
            return self._panel, False
        self._panel = None  # let go of the old one first: two take twice the memory
        panel = open_panel(self.paths, fusion=self.fusion, weights=self.weights, threads=1)
        _warm(panel)
        self._panel, self._signature = panel, signature
        return panel, True

    def has_changed(self) -> bool:
        """Has an index changed since `present` was called?"""
        return _signature(self.paths) != self._signature

    def is_present(self) -> bool:
        """Is the present generation open?"""
        return self._panel is not None and not self.has_changed()


def _signature(paths: Sequence[Path]) -> Signature:
    """Of the manifests; an index that is not there has none, and `open_panel` says so."""
    with contextlib.suppress(OSError, VecattrError):
        states = [os.stat(Path(path) / MANIFEST_FILE) for path in expand_folds(paths)]
        return tuple(
            (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns) for state in states
        )
    return ()


def _warm(panel: Panel) -> None:
    """Load what the first answer needs: model, calibration, rows of the search."""
    made = Plasmid("warm", "ACGTTGCATGCCGATTAGCAATCG" * 20)
    evidence = 20 if panel.has_evidence else None
    for _ in panel.query_many([made], k=1, neighbors=1, evidence=evidence):
        pass


def index_facts_of(panel: Panel) -> IndexFacts:
    """What the opened index holds."""
    from vecattr.indexes.answering.info import index_facts  # start-up

    infos = [
        index_facts(index.root, index.manifest, index.segments, index.calibration, index.lab_info)
        for index in panel.indexes
    ]
    labs = {row[0]: row for index in reversed(panel.indexes) for row in lab_rows(index)}
    rows = tuple(
        dict(zip(COLUMNS, row, strict=True)) for _, row in sorted(labs.items(), key=_name_of)
    )
    info = infos[0] if panel.is_one_index else infos
    plasmids = sum(index.manifest.plasmids for index in panel.indexes)
    return IndexFacts(panel.identity, generation_of(panel), info, rows, plasmids)


def _name_of(item: tuple[Cell, Row]) -> str:
    return str(item[0])


def generation_of(panel: Panel) -> int:
    """The generation of the index; of several the sum, which every change makes larger."""
    return sum(index.generation for index in panel.indexes)


def reply_to(question: Question, panel: Panel, limits: RequestLimits, tell: Tell) -> Reply:
    """The reply to a question; LimitError for records that are too long or too many, InputError
    when not one can be read."""
    notes = list[str]()
    options = ReadOptions(
        topology=question.topology,
        as_one=question.as_one,
        group_by=question.column,
        limits=Limits(bases=limits.bases, unpacked=limits.unpacked),
        known_features=lambda: panel.feature_names,
        note=notes.append,
    )
    tell("reading")
    bad = BadQueries()
    plasmids, errors = _read(question, options, limits, bad)
    answered = _answered(question, panel, plasmids, bad, tell)
    tell("writing")
    documents = {
        form: _document(answered, form, notes, question)
        for form in question.forms
        if form not in MARKED or answered.holds_evidence
    }
    lines = tuple(map(str, errors))
    return Reply(
        documents, answered.facts, lines, tuple(notes), panel.identity, generation_of(panel)
    )


def _document(answered: Answered, form: str, notes: Sequence[str], question: Question) -> str:
    """The answers in one form, or on a page with notes."""
    if form == PAGE:
        from vecattr.cli.serving.views import result_page  # start-up

        return result_page(answered, notes, question)
    return document(answered, form, tells_bad=question.on_bad_record == "report")


def _answered(
    question: Question, panel: Panel, plasmids: list[Plasmid], bad: BadQueries, tell: Tell
) -> Answered:
    """The answers, one for each plasmid or for each group that is answered together."""
    request = _request(question, panel)
    hashes = {id(plasmid): _sha256(plasmid) for plasmid in plasmids}
    if question.joint not in ("together", "together_by"):
        asked = panel.query_linked if question.joint == "linked" else panel.query_many
        answers = []
        for answer in asked(plasmids, **request):
            answers.append(answer)
            tell(f"answered {len(answers)} of {len(plasmids)}")
        facts = tuple(
            AnswerFacts.of(plasmid, answer, sha256=hashes[id(plasmid)])
            for plasmid, answer in zip(plasmids, answers, strict=True)
        )
        return Answered(tuple(bad.woven(answers)), (), facts)
    joints, told, count = [], list[AnswerFacts](), 0
    by_group = question.joint == "together_by"
    for name, members in groups_of(plasmids, by_group=by_group).items():
        joint = panel.query_together(members, group=name, **request)
        of_members = [hashes[id(member)] for member in members]
        told.append(AnswerFacts.of_several(joint, of_members))
        told += [
            AnswerFacts.of(plasmid, member.answer, sha256=sha256)
            for plasmid, member, sha256 in zip(members, joint.members, of_members, strict=True)
        ]
        joints.append(joint)
        count += len(members)
        tell(f"answered {count} of {len(plasmids)}")
    return Answered(tuple(bad.woven(())), tuple(joints), tuple(told))


def _request(question: Question, panel: Panel) -> dict[str, Any]:
    """The arguments of every way of asking."""
    request = question.request
    without_evidence = question.evidence_if_kept and not panel.has_evidence
    evidence = None if without_evidence else request.evidence
    return {
        "k": request.k,
        "neighbors": request.neighbors,
        "exclude_near_copies": request.exclude_near_copies,
        "options": request.confidence,
        "evidence": evidence,
        "evidence_for": request.evidence_for if evidence is not None else (),
    }


def _read(
    question: Question, options: ReadOptions, limits: RequestLimits, bad: BadQueries
) -> tuple[list[Plasmid], list[InputError]]:
    """The plasmids of the files, and the errors of records that are `bad`; InputError for these
    when they are not to be left out, or nothing else is there."""
    plasmids: list[Plasmid] = []
    errors: list[InputError] = []
    for record in read_plasmids(question.files, options):
        if isinstance(record, Plasmid):
            bad.good += 1
            plasmids.append(record)
        else:
            bad.take(record)
            errors.append(record.error)
        if len(plasmids) + len(errors) > limits.records:
            raise LimitError(
                f"the files hold more than {limits.records} records",
                hint="send them in several requests",
            )
    is_refused = question.on_bad_record == "fail" or not plasmids
    if errors and is_refused and question.on_bad_record != "report":
        first = errors[0]
        more = f" (and {len(errors) - 1} more bad records)" if len(errors) > 1 else ""
        raise type(first)(first.what + more, where=first.where, hint=first.hint)
    return plasmids, errors


def _sha256(plasmid: Plasmid) -> str:
    """The same for every rotation and both strands of a plasmid, by which it is found again."""
    return hashlib.sha256(canonical_sequence(plasmid).encode()).hexdigest()


def work(pipe: Connection, opening: Opening, limits: RequestLimits) -> None:
    """Do what comes through the pipe, until that is closed. Each message is LOOK, OPEN or a Job;
    its end (Done or Failure) is sent back, and before it progress, in words, and IndexFacts when
    the index was opened for it."""
    Thread(target=end_with_parent, daemon=True).start()
    was_at_rest = True
    with contextlib.suppress(EOFError, OSError):
        while True:
            message = pipe.recv()
            pipe.send(end_of(message, opening, limits, pipe.send))
            is_at_rest = isinstance(message, str)
            if is_at_rest and not was_at_rest:
                give_back_memory()
            was_at_rest = is_at_rest


def end_of(
    message: Job | str,
    opening: Opening,
    limits: RequestLimits,
    send: Callable[[object], None],
    *,
    is_again: bool = False,
) -> Done | Failure:
    """Do what a message says, on the present generation; its end."""
    try:
        if message == LOOK:
            return Done(opening.is_present())
        panel, is_new = opening.present()
        if is_new:
            send(index_facts_of(panel))
        return Done() if isinstance(message, str) else Done(message.run(panel, limits, send))
    except ArtifactError as error:
        if is_again or not opening.has_changed():
            return Failure(error)
    except VecattrError as error:
        return Failure(error)
    except MemoryError:
        return Failure(VecattrError("out of memory", hint="ask for fewer or shorter sequences"))
    except Exception as error:
        return Failure(VecattrError(f"unexpected {type(error).__name__}"), frames_of(error))
    return end_of(message, opening, limits, send, is_again=True)  # files of an old generation
