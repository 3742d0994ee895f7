"""Public records in; who designed each, and which of the names are one lab, out.

`public_files.read_public_file` reads annotated records, `set_aside.set_aside` tells those that
are no engineered plasmids, `designer.designer_of` tells who designed the others, and
`lab_names.merge_names` brings the names of one lab together.
"""
