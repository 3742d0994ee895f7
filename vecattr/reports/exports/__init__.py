"""The evidence of answers as files for other programs: GenBank, GFF3 and BED."""
