"""Block Kit: safe text, and the building blocks of messages and modals."""
