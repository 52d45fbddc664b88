"""Articles before they are judged: read, cleaned, told apart, folded, held back. Pure; the edges fetch them."""
