"""`vecattr serve`: an index in, a page and an API for colleagues out, until a signal comes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vecattr.cli.options.compute import processors
from vecattr.cli.options.decorators import as_one_argument, together
from vecattr.cli.options.index import PanelOptions, panel_options
from vecattr.cli.options.output import refuse_inputs
from vecattr.cli.options.reading import MOST_BYTES
from vecattr.cli.options.types import FILE, FOLDER, Amount
from vecattr.cli.options.verbosity import verbosity_options
from vecattr.cli.terminal import terminal
from vecattr.extras import require

if TYPE_CHECKING:
    from vecattr.cli.serving.settings import Access, Keeping, RequestLimits

#: What the extra brings, beside what the core has.
_LIBRARIES = ("fastapi", "uvicorn", "python_multipart", "prometheus_client")

#: Worker processes by default, at most: each holds the index.
_MOST_WORKERS = 8

_ACCESS_OPTIONS = together(
    click.option(
        "--host",
        default="127.0.0.1",
        show_default=True,
        metavar="ADDRESS",
        help="The address to listen on; another than this machine's own needs --token-file or "
        "--behind-proxy.",
    ),
    click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True,
                 help="The port to listen on; 0: any free one."),
    click.option(
        "--public-name",
        "names",
        multiple=True,
        metavar="NAME",
        help="A name by which browsers ask the service; others are refused. Repeatable.",
    ),
    click.option(
        "--token-file", type=FILE, metavar="FILE",
        help="Only who has a token of this file is answered; each line is NAME TOKEN.",
    ),
    click.option(
        "--behind-proxy", "proxy", metavar="ADDRESS",
        help="Only a proxy that connects from this address is answered, and it tells who asks.",
    ),
    click.option("--allow-edit", is_flag=True, help="Let add-lab change the index."),
    click.option(
        "--edit-token-file", type=FILE, metavar="FILE",
        help="With --allow-edit: only who has a token of this file may add labs.",
    ),
    click.option("--tls-certificate", "certificate", type=FILE, metavar="FILE",
                 help="Speak HTTPS with this certificate chain (PEM)."),
    click.option("--tls-key", "key", type=FILE, metavar="FILE", help="Its key (PEM)."),
)  # fmt: skip

_LIMIT_OPTIONS = together(
    click.option("--max-upload", type=Amount(min=0, min_open=True), default=10.0,
                 show_default=True, metavar="MB", help="The largest request."),
    click.option("--max-bases", type=click.IntRange(min=1), default=1_000_000, show_default=True,
                 metavar="N", help="The longest record."),
    click.option("--max-unpacked", type=Amount(min=0, min_open=True), default=0.2,
                 show_default=True, metavar="GB",
                 help="The largest size that a compressed file may unpack to."),
    click.option("--max-records", type=click.IntRange(min=1), default=100, show_default=True,
                 metavar="N", help="The most records of a request."),
    click.option("--upload-seconds", type=Amount(min=0, min_open=True), default=30.0,
                 show_default=True, metavar="S", help="How long a request may take to arrive."),
    click.option("--seconds", type=Amount(min=0, min_open=True), default=60.0, show_default=True,
                 metavar="S", help="How long a request may wait and be worked on."),
    click.option("--queue", type=click.IntRange(min=1), default=64, show_default=True,
                 metavar="N", help="The most requests under way at once; more get 429."),
)  # fmt: skip

_KEEPING_OPTIONS = together(
    click.option("--result-minutes", "minutes", type=Amount(min=0), default=30.0,
                 show_default=True, metavar="M",
                 help="How long a result page can be opened; it lies in memory, without bases."),
    click.option("--keep-days", "days", type=click.IntRange(min=1), metavar="N",
                 help="Keep results, with their bases, on disk for so many days."),
    click.option("--keep-folder", "folder", type=FOLDER, metavar="FOLDER",
                 help="With --keep-days: where."),
    click.option("--audit", type=FILE, metavar="FILE",
                 help="Add a line of JSON for each answer to this file, before it is given."),
)  # fmt: skip


def _access(**values: Any) -> Access:
    from vecattr.cli.serving.settings import Access  # start-up

    return Access(**values)


def _limits(
    max_upload: float,
    max_bases: int,
    max_unpacked: float,
    max_records: int,
    **values: Any,
) -> RequestLimits:
    from vecattr.cli.serving.settings import RequestLimits  # start-up

    return RequestLimits(
        upload=int(min(max_upload * 1e6, MOST_BYTES)),
        bases=max_bases,
        unpacked=int(min(max_unpacked * 1e9, MOST_BYTES)),
        records=max_records,
        **values,
    )


def _keeping(**values: Any) -> Keeping:
    from vecattr.cli.serving.settings import Keeping  # start-up

    return Keeping(**values)


@click.command("serve")
@panel_options
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes that answer, each with the index open. [default: one a processor, at most 8]",
)
@as_one_argument(
    _ACCESS_OPTIONS,
    names=("host", "port", "names", "token_file", "proxy", "allow_edit", "edit_token_file",
           "certificate", "key"),
    argument="access",
    build=_access,
)  # fmt: skip
@as_one_argument(
    _LIMIT_OPTIONS,
    names=("max_upload", "max_bases", "max_unpacked", "max_records", "upload_seconds", "seconds",
           "queue"),
    argument="limits",
    build=_limits,
)  # fmt: skip
@as_one_argument(
    _KEEPING_OPTIONS, names=("minutes", "days", "folder", "audit"), argument="keeping",
    build=_keeping,
)  # fmt: skip
@verbosity_options
def command(
    asked: PanelOptions,
    workers: int | None,
    access: Access,
    limits: RequestLimits,
    keeping: Keeping,
) -> None:
    """Serve a page to drop files on, and an API, until a signal comes.

    Open the address that is printed in a browser. Queries under way when SIGTERM or Ctrl-C comes
    are answered; a second Ctrl-C ends at once. The log is JSON, on standard error.
    """
    from vecattr.cli.serving.journal import Journal  # start-up
    from vecattr.cli.serving.messages import loading  # start-up
    from vecattr.cli.serving.settings import Settings  # start-up
    from vecattr.cli.serving.tokens import Door  # start-up
    from vecattr.cli.serving.workers import Workers  # start-up

    require(*_LIBRARIES, what="the service")
    refuse_inputs(keeping.audit, keeping.folder and keeping.folder / "*.json")
    count = workers or min(processors(), _MOST_WORKERS)
    settings = Settings(asked.indexes, asked.fusion, asked.weights, count, access, limits, keeping)
    journal = Journal(keeping.audit)
    journal.check()
    door = Door.opened(access)
    processes = Workers(settings, journal.failed)
    processes.start()  # they open the index while the rest is imported
    try:
        _check(asked.indexes)
        with loading():
            from vecattr.cli.serving.http.service import prepared  # start-up

            service = prepared(settings, processes, journal, door)
        terminal().say(f"vecattr serves at {service.address} (Ctrl-C ends it)")
        _warn(access)
        service.run()
    finally:
        processes.stop()


def _check(indexes: tuple[Path, ...]) -> None:
    """A missing or damaged index is told before the service says that it serves."""
    from vecattr.indexes.storage.index_folder import expand_folds, read_manifest  # start-up

    for path in expand_folds(indexes):
        read_manifest(path)


def _warn(access: Access) -> None:
    if access.token_file and not (access.is_loopback or access.is_tls or access.proxy):
        terminal().say(
            "warning: tokens travel unencrypted; give --tls-certificate and --tls-key, or put a "
            "proxy with TLS before it"
        )
