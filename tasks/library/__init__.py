"""Other programs' libraries → references to papers: lists of ids, BibTeX, RIS, Zotero, ORCID. Pure."""
