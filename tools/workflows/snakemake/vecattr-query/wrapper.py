"""Snakemake wrapper of `vecattr query`: sequences and an index in; answers, and a log, out."""

import shlex

from snakemake.shell import shell

sequences = snakemake.input.sequences  # noqa: F821
files = [sequences] if isinstance(sequences, str) else list(sequences)
words = ["vecattr", "query", *files, "--index", snakemake.input.index]  # noqa: F821
words += ["--output", snakemake.output[0], "--threads", str(snakemake.threads)]  # noqa: F821
words += ["--on-bad-record", "report", "--quiet"]
if snakemake.log:  # noqa: F821
    words += ["--log-file", str(snakemake.log[0])]  # noqa: F821

shell(shlex.join(words) + " " + snakemake.params.get("extra", ""))  # noqa: F821
