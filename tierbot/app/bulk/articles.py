"""A database's articles in bulk: embedded by an encoder that has not embedded them yet."""

import json
from collections.abc import Callable, Iterator

from tierbot.app.bulk.engines import Engine
from tierbot.app.bulk.texts import SHARD, embedding, vectors_of
from tierbot.app.bulk.work import Shard
from tierbot.use_cases.ports import Store


def embed_missing(
    store: Store, workspace: str, encoder: str, digest: str, engine: Engine, tell: Callable[[int, int], None]
) -> int:
    """Embed what this encoder has not embedded, a shard's worth a transaction; return how many articles.

    What is written stays: begun again, it goes on with the rest. `tell` hears of each shard.
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
        tell(done, 0)
    return done
