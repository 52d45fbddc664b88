"""Predicts tags, and chooses which articles to post, which tag to show and in which arm."""
