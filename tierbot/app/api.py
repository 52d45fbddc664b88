"""What `import tierbot` offers to those who build on it: the model in service, and the ledger as Arrow tables.

Importing it is cheap: torch, Arrow and the database's packages come in with the first call that needs them. See
docs/python.md.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierbot.domain.nouns import Article, Tag, TierbotError, key
from tierbot.domain.predict.model import Example, Predictor, PredictorError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from tierbot.domain.predict.model import Model
    from tierbot.domain.tags import TagSpace
    from tierbot.settings import Settings
    from tierbot.use_cases.ports import Encoder, Store

__all__ = [
    "Article",
    "Champion",
    "Example",
    "Ledger",
    "Predictor",
    "PredictorError",
    "Tag",
    "TierbotError",
    "ledger",
    "load",
]

_PAGE = 5000


@dataclass(frozen=True, slots=True)
class Champion:
    """The model in service.

    version: its id, such as "m0003". topics: the T tags that it chooses from. model, encoder: what answers, and what it
    reads a text's embedding by.
    """

    version: str
    topics: tuple[Tag, ...]
    model: "Model"
    encoder: "Encoder"

    @property
    def tags(self) -> tuple[str, ...]:
        """The ids of the T tags."""
        return tuple(tag.id for tag in self.topics)

    def probabilities(self, texts: Iterable[str | Article]) -> "NDArray[np.float64]":
        """Return the probabilities of `tags` for n texts or articles, shape (n, T); each row sums to 1.

        What is rare in a text is best given as an Article, whose url counts, too. Raises TierbotError if the model
        cannot answer.
        """
        articles = [text if isinstance(text, Article) else article_of(text) for text in texts]
        return self.model.predict(articles, self.encoder.encode([one.content for one in articles]), self.tags)

    def classify(self, texts: Iterable[str | Article]) -> list[dict[str, float]]:
        """Return for each text its tags' probabilities, by tag id, the most probable first."""
        return [
            dict(sorted(zip(self.tags, row, strict=True), key=lambda pair: -pair[1]))
            for row in self.probabilities(texts).tolist()
        ]


def load(where: str | Path | None = None, *, encoder: str | None = None, workspace: str | None = None) -> Champion:
    """Load a model: of a database (its URL), of a folder with published models, or of one model's JSON card.

    Without `where`, the one that the environment and `.env` say (DATABASE_URL), or the model that ships if there is no
    database yet. Of a folder the champion is taken, or else the bootstrap model. `encoder` names the sentence encoder,
    as TIERBOT_ENCODER does, which stands for it otherwise; `workspace` a database's workspace by its id, where it holds
    several, as TIERBOT_WORKSPACE does.

    Raises TierbotError if there is no model there, it is damaged, or another encoder made it.
    """
    from tierbot.adapters.encoders import encoder_of
    from tierbot.domain.tags import tag_space
    from tierbot.settings import load_settings

    given = {"encoder": encoder, "workspace": workspace}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value}
    if where is not None and "://" in str(where):
        changes["database_url"] = str(where)
    settings = load_settings(**changes)
    made_by = encoder_of(settings.encoder)
    if where is None or "://" in str(where):
        return _of_database(settings, made_by, needed=where is not None)
    return _of_files(Path(where), made_by, tag_space(settings.tags))


def _of_database(settings: "Settings", encoder: "Encoder", *, needed: bool) -> Champion:
    from tierbot.adapters.files.model_files import shipped_models
    from tierbot.adapters.store import NoDatabaseError, open_store
    from tierbot.app.bootstrap import build
    from tierbot.app.slack_access import tags_in
    from tierbot.domain.tags import tag_space

    try:
        bot = build(settings, store=open_store(settings.database_url, create=False), encoder=encoder)
    except NoDatabaseError:
        if needed:
            raise
        return _of_files(shipped_models(), encoder, tag_space(settings.tags))
    try:
        workspace = bot.only_workspace()
        version, model = bot.registry.champion(workspace)
        return Champion(version.id, tags_in(bot.store, workspace).active, model, encoder)
    finally:
        bot.close()


def _of_files(path: Path, encoder: "Encoder", tags: "TagSpace") -> Champion:
    from tierbot.adapters.files.model_files import BOOTSTRAP, CHAMPION, read_model
    from tierbot.domain.predict.classifier import Classifier
    from tierbot.domain.predict.coldstart import coldstart

    card = path
    if path.is_dir():
        card = next((path / f"{name}.json" for name in (CHAMPION, BOOTSTRAP) if (path / f"{name}.json").exists()), path)
    if card.suffix != ".json":
        raise TierbotError(
            f"There is no model in {path}. Give a folder with champion.json, such a file, or a database."
        )
    version, weights = read_model(card, "Publish it again with `tierbot models promote`.")
    prior = coldstart(tags.active, encoder.encode)
    if version.encoder_digest != encoder.digest:
        if version.card.get("kind") == BOOTSTRAP and path.is_dir():
            return Champion("cold", tags.active, prior, encoder)
        raise TierbotError(f"{card} was made with another encoder. Set the one that made it (TIERBOT_ENCODER).")
    return Champion(version.id, tags.active, Classifier.from_bytes(weights, str(card)).extended(prior), encoder)


def article_of(text: str, number: int = 0) -> Article:
    """Return a text as an article that has nothing else."""
    return Article(key("text", text, number), text, "", "", "", datetime.now(UTC))


class Ledger:
    """What a workspace's database holds, as Arrow tables: `ledger("sqlite:///tierbot.db").votes.to_pandas()`.

    Shares and counts by tag are maps: `table.to_pandas(maps_as_pydicts="strict")` makes dictionaries of them. Trainers
    are pseudonyms, the same as in exports, unless it was opened with identities.
    """

    def __init__(self, store: "Store", workspace: str, name: Callable[[str], str]) -> None:
        self._store = store
        self._workspace = workspace
        self._name = name

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of all tables."""
        with self._store.read(self._workspace) as tx:
            return tuple(tx.table_pages.names())

    @property
    def articles(self) -> "pa.Table":
        """Articles: what was or may be asked about."""
        return self.table("articles")

    @property
    def predictions(self) -> "pa.Table":
        """Predictions: p, π, the propensity of what was shown, the model, how the article was chosen."""
        return self.table("predictions")

    @property
    def posts(self) -> "pa.Table":
        """Posts: a prediction put to colleagues, its arm and round."""
        return self.table("posts")

    @property
    def events(self) -> "pa.Table":
        """Reaction events: every add and remove as it came in, in that order."""
        return self.table("events")

    @property
    def votes(self) -> "pa.Table":
        """Votes: who says what of which post, as it stands."""
        return self.table("votes")

    @property
    def verdicts(self) -> "pa.Table":
        """Verdicts: what posts settled to, every one that ever counted; the last of a post counts."""
        return self.table("verdicts")

    @property
    def models(self) -> "pa.Table":
        """Model versions, with their cards as JSON."""
        return self.table("models")

    @property
    def scores(self) -> "pa.Table":
        """Standings of the rounds that are frozen: a line a round and trainer."""
        return self.table("scores")

    def table(self, name: str) -> "pa.Table":
        """Return a whole table. Raises TierbotError for a name that there is none of."""
        pa = _arrow()
        return pa.Table.from_batches(self.batches(name), schema=self.schema(name))

    def schema(self, name: str) -> "pa.Schema":
        """Return a table's Arrow schema. Raises TierbotError for a name that there is none of."""
        pa, types = _arrow(), _types()
        if name not in self.tables:
            raise TierbotError(f"There is no table {name!r}. Tables are: {', '.join(self.tables)}.")
        with self._store.read(self._workspace) as tx:
            return pa.schema([(column.name, types[column.cell]) for column in tx.table_pages.columns(name)])

    def batches(self, name: str, rows: int = _PAGE) -> "Iterator[pa.RecordBatch]":
        """Yield a table in batches of at most `rows` rows: memory stays constant, however long the table is.

        Raises TierbotError for a name that there is none of.
        """
        pa, schema = _arrow(), self.schema(name)
        after = None
        while True:
            with self._store.read(self._workspace) as tx:
                columns = tx.table_pages.columns(name)
                page = tx.table_pages.page(name, after, rows)
            if page.rows:
                cells = zip(*page.rows, strict=True)
                arrays = [
                    pa.array([_value(value, column.cell, self._name) for value in values], type=field.type)
                    for values, column, field in zip(cells, columns, schema, strict=True)
                ]
                yield pa.record_batch(arrays, schema=schema)
            if page.next is None:
                return
            after = page.next

    def close(self) -> None:
        """Close the database."""
        self._store.close()


def ledger(url: str | None = None, *, identities: bool = False, workspace: str | None = None) -> Ledger:
    """Open the ledger of a database by its URL, or of the one that the environment says (DATABASE_URL).

    Nothing in it is changed, but that the first time a secret key for pseudonyms is made. `identities` gives Slack's
    user ids in their place. `workspace` (its id) is needed where the database holds several: TIERBOT_WORKSPACE otherwise.

    Raises TierbotError if there is no such database or workspace, or pyarrow is missing (`pip install
    "tierbot[export]"`).
    """
    from tierbot.adapters.store import open_store
    from tierbot.reports.dataset import pseudonyms_of
    from tierbot.settings import load_settings
    from tierbot.use_cases.ports import only_workspace

    _arrow()
    settings = load_settings()
    store = open_store(url or settings.database_url, create=False)
    found = only_workspace(store.workspaces(), workspace or settings.workspace)
    return Ledger(store, found, str if identities else pseudonyms_of(store, found))


def _arrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as fault:
        raise TierbotError('Data frames need pyarrow. Run: pip install "tierbot[export]".') from fault
    return pa


def _types() -> Mapping[Any, Any]:
    from tierbot.use_cases.ports import Cell

    pa = _arrow()
    return {
        Cell.TEXT: pa.string(),
        Cell.TRAINER: pa.string(),
        Cell.INTEGER: pa.int64(),
        Cell.NUMBER: pa.float64(),
        Cell.FLAG: pa.bool_(),
        Cell.TIME: pa.timestamp("us", tz="UTC"),
        Cell.NAMES: pa.list_(pa.string()),
        Cell.SHARES: pa.map_(pa.string(), pa.float64()),
        Cell.JSON: pa.string(),
    }


def _value(value: Any, cell: str, name: Callable[[str], str]) -> Any:
    if value is None:
        return None
    if cell == "trainer":
        return name(value)
    if cell == "json":
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return list(value.items()) if cell == "shares" else value
