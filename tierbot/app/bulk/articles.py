"""Embed a database's articles in bulk with a new encoder."""

import json
from collections.abc import Iterator

from tierbot.app.bulk.engines import Engine
from tierbot.app.bulk.parts import Progress
from tierbot.app.bulk.texts import SHARD, embedding, vectors_of
from tierbot.app.bulk.work import Shard
from tierbot.use_cases.ports import Store


def embed_missing(store: Store, workspace: str, encoder: str, digest: str, engine: Engine, progress: Progress) -> int:
    """Embed the articles that this encoder hasn't embedded yet, one transaction per shard; return their number.

    After an interruption, call it again to embed the rest. It calls `progress` after each shard.
    """
    ids: dict[int, list[str]] = {}

    def shards() -> Iterator[Shard]:
        number, after = 0, ""
        while True:
            with store.read(workspace) as tx:
                page = tx.articles.to_embed(digest, after, SHARD)
            if not page:
                return
            ids[number] = [article.id for article in page]
            lines = [json.dumps(article.content) for article in page]
            yield Shard(number, lines, f"Articles {page[0].id} to {page[-1].id}")
            number, after = number + 1, page[-1].id

    done = 0
    for shard, found in engine.done(embedding(encoder, digest), shards()):
        vectors = dict(zip(ids.pop(shard.number), vectors_of(found), strict=True))
        with store.begin(workspace) as tx:
            tx.articles.add_embeddings(digest, vectors)
        done += len(vectors)
        progress(done, 0)
    return done
