"""The edges as the loop sees them: Protocols that speak domain nouns and say nothing of who implements them.

A `Transaction` is bound to one workspace: nothing read or written through it can reach another's rows. It
is short and owns no network call; the loop opens it with `with store.begin(workspace) as tx:`, and it
commits on leaving the block and rolls back if the block raises. All writes are idempotent: `add` methods
return False (or fewer rows) where the row was there already.
"""

from tierbot.ports.outside import (
    Chat,
    ChatError,
    ChatUnavailableError,
    Clock,
    Encoder,
    Feeds,
    PostView,
    RateLimitedError,
    ReactionCount,
    Shelf,
)
from tierbot.ports.records import (
    Delivery,
    DeliveryKind,
    DeliveryState,
    Due,
    Installation,
    LabelledPost,
    SettledPost,
    Workspace,
)
from tierbot.ports.store import (
    Agenda,
    FeedList,
    HeldBackArticles,
    Installations,
    Leases,
    Outbox,
    People,
    Store,
    Trainers,
    Transaction,
    Workspaces,
)
from tierbot.ports.tables import (
    Articles,
    Dataset,
    GivenLabels,
    Ledger,
    Models,
    Posts,
    Rounds,
    Verdicts,
)

__all__ = [
    "Agenda",
    "Articles",
    "Chat",
    "ChatError",
    "ChatUnavailableError",
    "Clock",
    "Dataset",
    "Delivery",
    "DeliveryKind",
    "DeliveryState",
    "Due",
    "Encoder",
    "FeedList",
    "Feeds",
    "GivenLabels",
    "HeldBackArticles",
    "Installation",
    "Installations",
    "InstalledPredictor",
    "LabelledPost",
    "Leases",
    "Ledger",
    "Models",
    "Outbox",
    "People",
    "PostView",
    "Posts",
    "RateLimitedError",
    "ReactionCount",
    "Rounds",
    "SettledPost",
    "Shelf",
    "Store",
    "Trainers",
    "Transaction",
    "Verdicts",
    "Workspace",
    "Workspaces",
]
