"""Where and with how many threads a command computes: click options in, numbers out."""

from __future__ import annotations

import os

import click

from vecattr.cli.options.decorators import together


def _with_one_blas_thread(
    ctx: click.Context, param: click.Parameter, value: int | None
) -> int | None:
    """The number that was given; and products of matrices, which are small here, take one thread
    from now on, unless the environment says otherwise: several would wait for each other for longer
    than they compute. Called before NumPy is imported. Training has larger ones."""
    if ctx.info_name != "train":
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    return value


threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    callback=_with_one_blas_thread,
    help="Processor threads to use.",
)

compute_options = together(
    threads_option,
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda"]),
        default="auto",
        show_default=True,
        help="Where the encoder runs; auto: a GPU if there is one.",
    ),
)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processes_of(threads: int | None, *, device: str, most: int | None = None) -> int:
    """How many processes work beside this one: as many as there are processors, but at most `most`,
    unless `threads` says so, and one where a GPU is asked for."""
    if device == "cuda":
        return 1
    return threads or min(processors(), most or processors())


def limit_threads(count: int) -> None:
    """Limit the processor threads of libraries that are not loaded yet; called before torch is
    imported."""
    os.environ["OMP_NUM_THREADS"] = str(count)
