"""Optional libraries: the name of one that is missing in, an error with the exact command out.

`setup.cfg` says which extra brings which library; a test compares it with `EXTRAS`.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from vecattr.errors import MissingExtraError

#: The extra that brings a library, by the name that Python imports.
EXTRAS = {
    "Bio": "biopython",
    "dask_jobqueue": "cluster",
    "distributed": "cluster",
    "fastapi": "serve",
    "matplotlib": "viz",
    "numba": "train",
    "openTSNE": "viz",
    "openpyxl": "excel",
    "pandas": "pandas",
    "prometheus_client": "serve",
    "pyarrow": "parquet",
    "python_multipart": "serve",
    "sklearn": "viz",
    "torch": "train",
    "uvicorn": "serve",
}


def is_installed(library: str) -> bool:
    """Whether Python would find this library; it is not imported."""
    if library in sys.modules:
        return sys.modules[library] is not None
    return find_spec(library) is not None


def require(*libraries: str, what: str = "this", where: str | None = None) -> None:
    """MissingExtraError for the first of these libraries that is not installed; `what` needs it,
    and `where` is the file that does.

    >>> require("torch", what="training")
    """
    for library in libraries:
        if not is_installed(library):
            raise missing_extra(library, what=what, where=where)


def missing_extra(
    library: str, *, what: str = "this", where: str | None = None
) -> MissingExtraError:
    """The error that says that `what` needs this library of `EXTRAS`."""
    return MissingExtraError(
        f"{what} needs the library {library}, which is not installed",
        where=where,
        hint=install_command(EXTRAS[library]),
    )


def install_command(extra: str) -> str:
    """The command that installs an extra, for an installed vecattr and for a checkout.

    >>> install_command("train")
    "pip install 'vecattr[train]' (in a checkout: pip install '.[train]')"
    """
    return f"pip install 'vecattr[{extra}]' (in a checkout: pip install '.[{extra}]')"


def translated(error: ImportError) -> MissingExtraError | None:
    """A failed import of a library of an extra as an error with the next step; None for others."""
    library = (error.name or "").partition(".")[0]
    return missing_extra(library) if library in EXTRAS else None
