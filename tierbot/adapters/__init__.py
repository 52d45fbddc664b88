"""The edges: the only code that does input and output. They speak domain nouns and never import one another."""
