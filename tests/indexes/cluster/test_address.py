"""Claims about the addresses of clusters: what is taken, and what is refused with the next step."""

from __future__ import annotations

import pytest

from vecattr.errors import UsageError
from vecattr.indexes.cluster.address import ClusterAddress


@pytest.mark.parametrize(
    ("text", "kind", "workers"),
    [
        ("local:1", "local", 1),
        ("local:16", "local", 16),
        ("tcp://head.example.org:8786", "scheduler", 0),
        ("tls://10.0.0.1:8786", "scheduler", 0),
        ("tcp://[::1]:8786", "scheduler", 0),
        ("slurm:workers=4", "slurm", 4),
        ("slurm:workers=4,memory=8GB,walltime=1-02:00:00,queue=short,account=lab", "slurm", 4),
    ],
)
def test_an_address_says_where_a_cluster_is(text: str, kind: str, workers: int) -> None:
    address = ClusterAddress.from_text(text)
    assert (address.kind, address.workers, str(address)) == (kind, workers, text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "local", "local:", "local:0", "local:-1", "local:two", "local:1.5", "local:2 "),
        *("tcp://host", "tcp://host:", "tcp://host:0", "tcp://host:65536", "tcp://host:8786/x"),
        *("tcp://ho st:1", "http://host:8786", "8786", "kubernetes:3"),
        *("slurm:", "slurm:memory=8GB", "slurm:workers=0", "slurm:workers=2,workers=3"),
        *("slurm:workers=2,memory=much", "slurm:workers=2,walltime=soon", "slurm:workers=2,x=1"),
        *("slurm:workers=2,queue=a;b", "slurm:workers=2,account=$(id)", "slurm:workers=2,queue="),
    ],
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        ClusterAddress.from_text(text)
    assert refused.value.hint is not None
    assert set(":=") & set(refused.value.hint)
