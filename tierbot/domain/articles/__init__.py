"""Articles before they are judged: read, cleaned, told apart, folded, held back. Pure; the edges fetch them."""

from tierbot.domain.articles.cleaning import clean_text, clean_title, shorten
from tierbot.domain.articles.duplicates import Folded, fold, to_article
from tierbot.domain.articles.rows import ArchiveError, ArchiveRow, BadRow, row_of
from tierbot.domain.articles.urls import canonical_url, clean_url, site_of

__all__ = [
    "ArchiveError",
    "ArchiveRow",
    "BadRow",
    "Folded",
    "canonical_url",
    "clean_text",
    "clean_title",
    "clean_url",
    "fold",
    "row_of",
    "shorten",
    "site_of",
    "to_article",
]
