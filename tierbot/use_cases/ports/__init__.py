"""Ports: the Protocols that adapters implement, in terms of domain nouns.

A `Transaction` is bound to one workspace and cannot reach another's rows. It is short and contains no network call. Use cases
open it with `with store.begin(workspace) as tx:`; it commits at the end of the block and rolls back if the block raises. All
writes are idempotent: `add` methods return False (or fewer rows) for rows that exist.
"""

from tierbot.use_cases.ports.outside import (
    Chat,
    ChatError,
    ChatUnavailableError,
    Clock,
    Encoder,
    Feeds,
    InstalledPredictor,
    LoadedPredictor,
    Meter,
    ModelFiles,
    NoMeter,
    Page,
    PostView,
    Predictors,
    RateLimitedError,
    ReactionCount,
    Span,
)
from tierbot.use_cases.ports.records import (
    LOOK_UP,
    NOT_SENT,
    SEARCHABLE,
    Again,
    Cell,
    ClosedChannel,
    Delivery,
    DeliveryKind,
    DeliveryState,
    Doubt,
    DueJob,
    Installation,
    Job,
    LabelledPost,
    PushDraw,
    Search,
    SmokeTestResult,
    TableColumn,
    TablePage,
    Workspace,
    only_workspace,
)
from tierbot.use_cases.ports.store import (
    Doubts,
    FeedList,
    Installations,
    People,
    Store,
    Trainers,
    Transaction,
    Workspaces,
)
from tierbot.use_cases.ports.tables import (
    Articles,
    GivenLabels,
    HeldBackArticles,
    Ledger,
    Models,
    Posts,
    Reactors,
    Rounds,
    TablePages,
    Verdicts,
)
from tierbot.use_cases.ports.work import SCHEDULER, SCHEDULER_LEASE, Agenda, Channels, Leases, Outbox
