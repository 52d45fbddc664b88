"""The tag space: what ships, what is refused with file, line and remedy, and changes in mid-run."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tierbot.adapters.files.configuration import tag_space
from tierbot.domain.nouns import TierbotError
from tierbot.domain.tags import base_name, default_tag_space, parse_tag_space
from tierbot.domain.tags.assign import assigned_tag_space
from tierbot.domain.tags.emoji import RESERVED, character_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def table(tag_id: str, emoji: str, **more: str) -> str:
    lines = {"id": tag_id, "name": tag_id.title(), "emoji": emoji, "description": f"About {tag_id}", **more}
    return "[[tag]]\n" + "".join(f'{name} = "{value}"\n' for name, value in lines.items())


def test_the_shipped_space_has_at_least_64_distinct_topics_and_diggs_own() -> None:
    tags = default_tag_space()
    assert len(tags) >= 64
    assert len({tag.short_name for tag in tags}) == len({tag.character for tag in tags}) == len(tags)
    assert not {tag.short_name for tag in tags} & RESERVED
    diggs = {"law": "⚖️", "warfare": "⚔️", "movies": "🎬", "gaming": "🎮", "science": "🔬", "booze": "🍻", "food": "🍕",
             "cars": "🚗", "theatre": "🎭", "ai": "🤖", "football": "🏈"}  # fmt: skip
    assert {tag_id: tags[tag_id].character for tag_id in diggs} == diggs
    assert "health" in tags
    assert all(sibling in tags for tag in tags for sibling in tag.siblings)


def test_every_shipped_character_is_what_slack_shows_for_its_name() -> None:
    assert {tag.id: tag.character for tag in default_tag_space()} == {
        tag.id: character_of(tag.short_name) for tag in default_tag_space()
    }


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("thumbsup", "+1"),
        ("+1::skin-tone-6", "+1"),
        (":red_car:", "car"),
        ("knife_fork_plate", "knife_fork_plate"),
        ("ours", "ours"),
    ],
)
def test_names_are_folded_as_slack_means_them(raw: str, name: str) -> None:
    assert base_name(raw) == name


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        (table("a", "pizza") + table("b", "thumbsup"), 6, "reserved"),
        (table("a", "pizza") + table("b", "-1"), 6, "reserved"),
        (table("a", "pizza") + table("b", "confused"), 6, "reserved"),
        (table("a", "car") + table("b", "red_car"), 6, "share the emoji"),
        (table("a", "pizza") + table("a", "car"), 6, "already used"),
        (table("a", "pizza") + table("b", "piza"), 6, "isn't a standard Slack emoji"),
        (table("a", "pizza") + table("B b", "car"), 6, "lowercase letters"),
        (table("a", "pizza") + table("b", "car", description=" "), 6, "no description"),
        (table("a", "pizza"), 1, "fewer than two"),
        (table("a", "pizza") + table("b", "car") + 'siblings = ["c"]\n', 6, "isn't another tag"),
        (table("a", "pizza") + "[[tag]\n", 6, "Fix the TOML"),
    ],
)
def test_a_bad_file_is_refused_with_file_line_and_remedy(tmp_path: Path, text: str, line: int, complaint: str) -> None:
    path = tmp_path / "tags.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TierbotError) as caught:
        tag_space(path)
    told = str(caught.value)
    assert str(path) in told
    assert complaint in told
    assert f":{line}" in told or f"line {line}" in told


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TierbotError, match="cannot be read"):
        tag_space(tmp_path / "none.toml")


def test_a_workspaces_own_emoji_needs_to_say_how_it_looks_elsewhere() -> None:
    tags = parse_tag_space(table("a", "pizza") + table("b", "our_logo", character="◆"), "t.toml")
    assert tags["b"].character == "◆"
    assert tags.by_emoji("our_logo") == tags["b"]


def test_a_retired_tag_keeps_its_history_and_comes_back_under_its_id() -> None:
    tags = parse_tag_space(table("a", "pizza") + table("b", "car") + table("c", "dog"), "t.toml")
    fewer = tags.updated([tags["a"], replace(tags["b"], name="Renamed")], NOW)
    assert fewer.ids == ("a", "b")
    assert fewer["b"].name == "Renamed"
    assert fewer["c"].retired_at == NOW
    assert fewer.by_emoji("dog") == fewer["c"], "what was said of it can still be read"
    assert fewer.updated([tags["a"], tags["b"], tags["c"]], NOW)["c"].retired_at is None


def test_a_retired_tags_emoji_can_be_given_to_another() -> None:
    tags = parse_tag_space(table("a", "pizza") + table("b", "car"), "t.toml")
    changed = tags.updated([tags["a"], replace(tags["b"], id="autos")], NOW)
    assert changed.by_emoji("car").id == "autos"


def test_an_archives_labels_get_distinct_emoji_and_known_ones_their_own() -> None:
    labels = ["FOOD & DRINK", "c++", "HEALTHY LIVING", "POLITICS", "c", "Crypto", *(f"label {i}" for i in range(80))]
    tags = assigned_tag_space(labels)
    assert len({tag.short_name for tag in tags}) == len(tags)
    assert tags["food-drink"].short_name == "pizza"
    assert tags["politics"].short_name == "ballot_box_with_ballot"
    assert [tag.short_name for tag in assigned_tag_space(labels)] == [tag.short_name for tag in tags]
    with pytest.raises(TierbotError, match="at least two"):
        assigned_tag_space(["one", "one"])
