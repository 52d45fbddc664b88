"""The permissions that a module needs, declared next to the code that uses them.

`tierbot init` generates the manifest from them and `tierbot doctor` checks a workspace against them, so a missing
scope can be traced to the module that needs it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A slash command: its name with the slash, its description and its arguments."""

    name: str
    description: str
    usage_hint: str = ""


@dataclass(frozen=True, slots=True)
class MessageShortcut:
    """An entry in a message's menu, and the id that Slack sends back."""

    name: str
    callback_id: str
    description: str


@dataclass(frozen=True, slots=True)
class Needs:
    """One module's needs. methods: Web API method → its bot scopes. events: event → its scopes."""

    methods: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    commands: tuple[SlashCommand, ...] = ()
    shortcuts: tuple[MessageShortcut, ...] = ()

    @property
    def scopes(self) -> frozenset[str]:
        """Every bot scope needed for the methods, events, commands and shortcuts."""
        listed = {scope for scopes in (*self.methods.values(), *self.events.values()) for scope in scopes}
        return frozenset(listed | ({"commands"} if self.commands or self.shortcuts else set()))
