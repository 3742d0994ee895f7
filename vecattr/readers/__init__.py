"""Files in, plasmids out: FASTA, GenBank, SnapGene, tables, folders."""
