"""What a module needs of the Slack app: said beside the code that needs it, gathered by the manifest.

`tierbot init` writes the manifest from these and `tierbot doctor` checks a workspace against them, so a scope
that is missing there can be traced to the module that wants it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A slash command: its name with the slash, what it does, and what may follow it."""

    name: str
    description: str
    usage_hint: str = ""


@dataclass(frozen=True, slots=True)
class MessageShortcut:
    """An entry in a message's menu: its name there, and the id that Slack sends back."""

    name: str
    callback_id: str
    description: str


@dataclass(frozen=True, slots=True)
class Needs:
    """One module's needs. methods: Web API method → the bot scopes that it takes. events: event → its scope."""

    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    commands: tuple[SlashCommand, ...] = ()
    shortcuts: tuple[MessageShortcut, ...] = ()

    @property
    def scopes(self) -> frozenset[str]:
        """Every bot scope that follows from the methods, events, commands and shortcuts."""
        listed = {scope for scopes in (*self.methods.values(), *self.events.values()) for scope in scopes}
        return frozenset(listed | ({"commands"} if self.commands or self.shortcuts else set()))
