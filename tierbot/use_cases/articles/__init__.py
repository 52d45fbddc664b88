"""Articles in: from feeds and files, embedded once."""
