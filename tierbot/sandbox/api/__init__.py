"""The Web API: one module per family of methods; importing this package registers them all."""

from tierbot.sandbox.api import chat, conversations, files, reactions, users, views
from tierbot.sandbox.api.registry import METHODS, Method
from tierbot.sandbox.kit.args import Args

__all__ = ["METHODS", "Args", "Method", "chat", "conversations", "files", "reactions", "users", "views"]
