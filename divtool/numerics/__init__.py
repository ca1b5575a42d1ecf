"""Array in, array out: the formulas that keep every digit, with no knowledge of files, measures or commands."""
