"""The public Python API behind `import tierbot`: the model in service, and the ledger as Arrow tables.

Importing it is cheap: torch, Arrow and the database packages are loaded by the first call that needs them. See
docs/python.md.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierbot.domain.nouns import Article, Tag, TierbotError, key

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from tierbot.domain.predict.model import Model
    from tierbot.domain.tags import TagSpace
    from tierbot.settings import Settings
    from tierbot.use_cases.ports import Encoder, Store

_PAGE = 5000


@dataclass(frozen=True, slots=True)
class Champion:
    """The model in service.

    version: its id, such as "m0003". topics: the T tags that it predicts. model, encoder: the classifier, and the
    sentence encoder for its input.
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

        Pass an Article where you have a URL, which the model uses too. Raises TierbotError if the model cannot answer.
        """
        articles = [text if isinstance(text, Article) else article_of(text) for text in texts]
        return self.model.predict(articles, self.encoder.encode([one.content for one in articles]), self.tags)

    def unclear(self, texts: Iterable[str | Article]) -> list[str | None]:
        """Return for each text why it says too little to classify ("no words", "no topic", "unknown words"), or None."""
        from tierbot.domain.predict.unclear import why_unclear

        contents = [text if isinstance(text, str) else text.content for text in texts]
        return [None if why is None else why.value for why in why_unclear(contents, self.model)]

    def classify(self, texts: Iterable[str | Article]) -> list[dict[str, float]]:
        """Return each text's probabilities by tag id, most probable first."""
        return [
            dict(sorted(zip(self.tags, row, strict=True), key=lambda pair: -pair[1]))
            for row in self.probabilities(texts).tolist()
        ]


def load(where: str | Path | None = None, *, encoder: str | None = None, workspace: str | None = None) -> Champion:
    """Load a model from a database URL, a folder of published models, or one model's JSON card.

    Without `where`, load from DATABASE_URL as set in the environment or `.env`, or the built-in model if that database
    doesn't exist yet. From a folder, load the champion, or else the bootstrap model. `encoder` names the sentence encoder
    (default: TIERBOT_ENCODER); `workspace` is the workspace's id, needed if the database has several (default:
    TIERBOT_WORKSPACE).

    Raises TierbotError if the model is missing or damaged, or was trained with another encoder.
    """
    from tierbot.adapters.encoders import encoder_of
    from tierbot.adapters.files.configuration import tag_space
    from tierbot.settings import load_settings

    given = {"encoder": encoder, "workspace": workspace}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value}
    if where is not None and "://" in str(where):
        changes["database_url"] = str(where)
    settings = load_settings(**changes)
    chosen = encoder_of(settings.encoder)
    if where is None or "://" in str(where):
        return _of_database(settings, chosen, needed=where is not None)
    return _of_files(Path(where), chosen, tag_space(settings.tags))


def _of_database(settings: "Settings", encoder: "Encoder", *, needed: bool) -> Champion:
    from tierbot.adapters.files.configuration import tag_space
    from tierbot.adapters.files.model_files import shipped_models
    from tierbot.adapters.store import NoDatabaseError, open_store
    from tierbot.app.bootstrap import build
    from tierbot.app.slack_access import tags_in

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
            f"No model found in {path}. Pass a folder that contains champion.json, a model's JSON file, or a database URL."
        )
    version, weights = read_model(card, "Publish it again with `tierbot models promote`.")
    prior = coldstart(tags.active, encoder.encode)
    if version.encoder_digest != encoder.digest:
        if version.card.get("kind") == BOOTSTRAP and path.is_dir():
            return Champion("cold", tags.active, prior, encoder)
        raise TierbotError(f"{card} was trained with another encoder. Set TIERBOT_ENCODER to that one.")
    return Champion(version.id, tags.active, Classifier.from_bytes(weights, str(card)).extended(prior), encoder)


def article_of(text: str, number: int = 0) -> Article:
    """Return an article that consists of a text only."""
    return Article(key("text", text, number), text, "", "", "", datetime.now(UTC))


class Ledger:
    """A workspace's database as Arrow tables: `ledger("sqlite:///tierbot.db").votes.to_pandas()`.

    Shares and counts by tag are maps; `table.to_pandas(maps_as_pydicts="strict")` converts them to dictionaries. Trainers
    have the same pseudonyms as in exports, unless the ledger was opened with identities.
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
        """Articles, whether posted or not."""
        return self.table("articles")

    @property
    def predictions(self) -> "pa.Table":
        """Predictions: p, π, the shown tag's propensity, the model, how the article was selected."""
        return self.table("predictions")

    @property
    def posts(self) -> "pa.Table":
        """Posts: the predictions shown to colleagues, with arm and round."""
        return self.table("posts")

    @property
    def events(self) -> "pa.Table":
        """Reaction events: every add and remove, in order of arrival."""
        return self.table("events")

    @property
    def votes(self) -> "pa.Table":
        """Current votes: who says what about which post."""
        return self.table("votes")

    @property
    def verdicts(self) -> "pa.Table":
        """Verdicts, including earlier ones; a post's last verdict counts."""
        return self.table("verdicts")

    @property
    def models(self) -> "pa.Table":
        """Model versions, with their cards as JSON."""
        return self.table("models")

    @property
    def scores(self) -> "pa.Table":
        """Standings of frozen rounds, one row per round and trainer."""
        return self.table("scores")

    def table(self, name: str) -> "pa.Table":
        """Return a whole table. Raises TierbotError for an unknown name."""
        pa = _arrow()
        return pa.Table.from_batches(self.batches(name), schema=self.schema(name))

    def schema(self, name: str) -> "pa.Schema":
        """Return a table's Arrow schema. Raises TierbotError for an unknown name."""
        pa, types = _arrow(), _types()
        if name not in self.tables:
            raise TierbotError(f"Unknown table {name!r}. Use one of: {', '.join(self.tables)}.")
        with self._store.read(self._workspace) as tx:
            return pa.schema([(column.name, types[column.cell]) for column in tx.table_pages.columns(name)])

    def batches(self, name: str, rows: int = _PAGE) -> "Iterator[pa.RecordBatch]":
        """Yield a table in batches of up to `rows` rows, in constant memory. Raises TierbotError for an unknown name."""
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
    """Open the ledger of a database (default: DATABASE_URL). The first call stores a secret key for pseudonyms.

    `identities` returns Slack's user ids instead of pseudonyms. `workspace`, an id, is needed if the database has several
    (default: TIERBOT_WORKSPACE). Raises TierbotError if the database or workspace doesn't exist, or pyarrow is missing
    (`pip install ".[export]"`).
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
        raise TierbotError('Data frames need pyarrow. Run: pip install ".[export]".') from fault
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
