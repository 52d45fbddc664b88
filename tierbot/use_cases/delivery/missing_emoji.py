"""Tells the admins once about a tag's emoji that the workspace deleted; posts continue without it."""

from tierbot.use_cases.delivery.direct_messages import DirectMessages
from tierbot.use_cases.ports import Clock, Job, Store


class MissingEmoji:
    """A job, requested by the outbox when Slack no longer knows an emoji."""

    def __init__(self, store: Store, clock: Clock, messages: DirectMessages) -> None:
        self._store = store
        self._clock = clock
        self._messages = messages

    def __call__(self, workspace: str, job: Job) -> None:
        """Tell the admins; while Slack is busy the job fails and is retried."""
        names = sorted(job.payload.get("names", ()))
        with self._store.read(workspace) as tx:
            tags = {tag.short_name: tag.name for tag in tx.workspaces.tags()}
        news = {"kind": "emoji_missing", "missing": [{"emoji": name, "tag": tags.get(name, name)} for name in names]}
        messages = self._messages.to_admins(workspace, news, "emoji missing", *names, self._clock.now().date())
        with self._store.begin(workspace) as tx:
            tx.outbox.add(messages)
