"""XML and other notations of RDF: SBOL, and the documents of editors and databases."""
