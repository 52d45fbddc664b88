"""Block Kit: text made safe, and the parts that messages and modals are made of."""
