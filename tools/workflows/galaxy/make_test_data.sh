#!/bin/sh
# Makes the files of the tool's test in the folder test-data beside this script, from the demo.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$here/test-data"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
vecattr demo -o "$work/demo" --quiet >/dev/null
head -n 2 "$work/demo/held_out.fasta" >"$here/test-data/queries.fasta"
tar -cf "$here/test-data/plasmids.index.tar" -C "$work/demo" demo.index
