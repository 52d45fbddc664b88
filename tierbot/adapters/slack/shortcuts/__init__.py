"""Message shortcuts: “Name the right tag”, “Why this tag?” and “Tag this”."""
