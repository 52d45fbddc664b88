"""What an encoder has not embedded yet, by id: all of it once, whatever another encoder has done."""

import numpy as np

from tests.support.rows import TEAM, article
from tierbot.adapters.store import SqlStore


def test_only_what_this_encoder_lacks_is_given_and_all_of_it_once(store: SqlStore) -> None:
    with store.begin(TEAM) as tx:
        tx.articles.add([article(f"a{number}", title=f"Story {number}") for number in range(7)])
        vectors = {f"a{number}": np.ones(4, np.float32) for number in range(7)}
        tx.articles.add_embeddings("other", vectors)
        tx.articles.add_embeddings("mine", {key: vectors[key] for key in ("a2", "a3")})
        found: list[str] = []
        while page := tx.articles.to_embed("mine", found[-1] if found else "", 2):
            assert len(page) <= 2
            found += [one.id for one in page]
        assert found == ["a0", "a1", "a4", "a5", "a6"]
        assert tx.articles.to_embed("other", "", 9) == []
