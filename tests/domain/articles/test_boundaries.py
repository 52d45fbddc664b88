"""Boundaries hold back what they say, say which one it was, and let everything else pass."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.paths import DOCS
from tierbot.adapters.files.configuration import load_boundaries
from tierbot.domain.articles import boundaries
from tierbot.domain.articles.boundaries import Boundaries, Boundary, BoundaryFileError, Held, Rules, parse_boundaries
from tierbot.domain.nouns import Article, Thread
from tierbot.domain.tags import default_tag_space

TAGS = default_tag_space()


def article(title: str = "A title", url: str = "", source: str = "", text: str = "") -> Article:
    return Article(id="a", title=title, text=text, url=url, source=source, received_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("held", "url", "source"),
    [
        (True, "https://www.tabloid.example/x", ""),
        (True, "http://sport.tabloid.example:8080/x", ""),
        (True, "", "Some Publisher"),
        (True, "", "some publisher"),
        (False, "https://nottabloid.example/x", ""),
        (False, "https://tabloid.example.com/x", ""),
        (False, "https://example.com/tabloid.example", "Another"),
        (False, "", ""),
    ],
)
def test_a_barred_source_is_a_name_or_a_site_with_its_subdomains(held: bool, url: str, source: str) -> None:
    boundaries = Boundaries(sources=("Tabloid.example", "Some Publisher"))
    assert (boundaries.before(article(url=url, source=source)) is not None) is held


@pytest.mark.parametrize(
    ("rule", "title"),
    [
        ("lottery", "Win the LOTTERY!"),
        ("lottery", "lottery: he won"),
        ("black friday", "Black  Friday deals"),
        ("crypto*", "Cryptocurrencies fall"),
        ("C++", "The C++ standard"),
        ("straße", "Auf der STRASSE"),
        ("首相", "新しい首相が演説"),
    ],
)
def test_a_barred_word_is_found_whole_in_any_case(rule: str, title: str) -> None:
    assert Boundaries(words=("other", rule)).before(article(title)) == Held(Boundary.WORD, rule)


@pytest.mark.parametrize(
    ("rule", "title"),
    [
        ("art", "Party started in March"),
        ("black friday", "Black cat on Friday"),
        ("a.b", "aXb"),
        ("crypto", "cryptology"),
    ],
)
def test_a_barred_word_is_not_found_inside_another(rule: str, title: str) -> None:
    assert Boundaries(words=(rule,)).before(article(title)) is None


def test_words_are_sought_in_the_text_too() -> None:
    assert Boundaries(words=("lottery",)).before(article(text="He won the lottery.")) is not None


def test_an_article_about_a_barred_tag_is_held_and_one_with_a_trace_of_it_is_not() -> None:
    boundaries = Boundaries(tags=frozenset({"war"}))
    assert boundaries.after({"war": 0.6, "food": 0.4}) == Held(Boundary.TAG, "war")
    assert boundaries.after({"war": 0.4, "food": 0.6}) is None
    assert boundaries.allowed({"war": 0.4, "food": 0.6}) == {"food"}


def test_a_tag_without_its_confidence_gives_way_and_holds_back_only_if_nothing_is_left() -> None:
    boundaries = Boundaries(minimum_confidence={"war": 0.6, "food": 0.3})
    assert boundaries.allowed({"war": 0.6, "food": 0.4}) == {"war", "food"}
    assert boundaries.allowed({"war": 0.59, "food": 0.41}) == {"food"}
    assert boundaries.after({"war": 0.59, "food": 0.41}) is None
    assert boundaries.after({"war": 0.59, "food": 0.2}) == Held(Boundary.CONFIDENCE, "war ≥ 0.6")


@given(st.dictionaries(st.sampled_from("abcde"), st.floats(0, 1)), st.sets(st.sampled_from("abcde")), st.floats(0, 1))
def test_what_is_not_held_back_has_a_tag_to_show(p: dict[str, float], barred: set[str], least: float) -> None:
    boundaries = Boundaries(tags=frozenset(barred), minimum_confidence={"a": least, "b": least})
    allowed = boundaries.allowed(p)
    assert not allowed & barred
    if p and boundaries.after(p) is None:
        assert allowed


@given(st.text(max_size=50))
def test_without_rules_everything_passes(title: str) -> None:
    assert Boundaries().before(article(title)) is None
    assert Boundaries().after({"food": 0.01, "law": 0.99}) is None


def test_what_held_an_article_back_is_shown_as_boundary_and_rule() -> None:
    assert str(Held(Boundary.WORD, "crypto*")) == "word: crypto*"


# --- what a story must have, and rules by feed ------------------------------------------------------

ONE, TWO = "https://one.example/feed", "https://two.example/feed"


@pytest.mark.parametrize(
    ("only", "rule"),
    [
        (Rules(words=("ferr*", "harbor")), None),
        (Rules(sources=("Harbor News", "e.com")), None),
        (Rules(sources=("e.com",), words=("ferry",)), None),
        (Rules(words=("lottery", "crypto*")), "words"),
        (Rules(sources=("other.example",), words=("ferry",)), "sources"),
        (Rules(sources=("e.com",), words=("lottery",)), "words"),
    ],
)
def test_a_story_must_have_one_of_each_list_that_is_given(only: Rules, rule: str | None) -> None:
    story = article("The ferry is late", "https://www.e.com/1", "Harbor News")
    held = Boundaries(only=only).before(story)
    assert held == (Held(Boundary.ONLY, rule) if rule else None)


def test_what_is_never_posted_is_not_posted_though_it_has_what_is_wanted() -> None:
    rules = Boundaries(words=("lottery",), only=Rules(words=("ferry",)))
    assert rules.before(article("A ferry lottery")) == Held(Boundary.WORD, "lottery")


def test_a_story_s_likeliest_tag_must_be_wanted_and_any_tag_may_be_shown() -> None:
    rules = Boundaries(only=Rules(tags=frozenset({"law", "food"})))
    assert rules.judges_tags
    assert rules.after({"law": 0.6, "war": 0.4}) is None
    assert rules.after({"law": 0.4, "war": 0.6}) == Held(Boundary.ONLY, "tags")
    assert rules.allowed({"law": 0.4, "war": 0.6}) == {"law", "war"}


def test_what_people_ask_about_themselves_needs_no_wanted_word_or_tag() -> None:
    rules = Boundaries(only=Rules(words=("ferry",), tags=frozenset({"law"})))
    for asked in (replace(article(), asked_in=Thread("C1", "1.1")), replace(article(), check_tag="law")):
        assert rules.before(asked) is None
        assert rules.after({"war": 1.0}, asked) is None


@pytest.mark.parametrize(
    ("feeds", "held"),
    [
        ((), None),
        ((ONE,), Held(Boundary.WORD, f"lottery ({ONE})")),
        ((ONE + "?utm_source=x",), Held(Boundary.WORD, f"lottery ({ONE}?utm_source=x)")),
        ((TWO,), Held(Boundary.ONLY, f"words ({TWO})")),
        ((TWO, ONE), Held(Boundary.ONLY, f"words ({TWO})")),
        (("https://three.example/feed",), None),
        ((ONE, "https://three.example/feed"), None),
    ],
)
def test_a_feed_s_rules_hold_back_what_no_other_feed_would_post(feeds: tuple[str, ...], held: Held | None) -> None:
    rules = Boundaries(
        feeds={ONE: Boundaries(words=("lottery",)), TWO: Boundaries(only=Rules(words=("ferry",)))},
    )
    assert rules.before(replace(article("Lottery winners"), feeds=feeds)) == held
    assert rules.before(replace(article("A ferry"), feeds=feeds)) is None


def test_a_feed_s_tags_are_judged_for_its_stories_and_with_its_words() -> None:
    rules = Boundaries(
        feeds={ONE: Boundaries(tags=frozenset({"war"})), TWO: Boundaries(words=("lottery",))},
    )
    assert rules.judges_tags
    p = {"war": 0.6, "law": 0.4}
    story = replace(article("Lottery winners"), feeds=(ONE,))
    assert rules.after(p, story) == Held(Boundary.TAG, f"war ({ONE})")
    assert rules.after({"war": 0.4, "law": 0.6}, story) is None
    assert rules.allowed(p, story) == {"law"}
    assert rules.after(p, article()) is None
    both = replace(story, feeds=(ONE, TWO))
    assert rules.before(both) is None
    assert rules.after(p, both) == Held(Boundary.TAG, f"war ({ONE})")
    assert rules.after(p, replace(both, title="A title")) is None
    assert rules.allowed(p, both) == {"war", "law"}


def test_rules_by_feed_and_wanted_ones_change_the_grounds() -> None:
    every = [
        Boundaries(),
        Boundaries(words=("a",)),
        Boundaries(only=Rules(words=("a",))),
        Boundaries(feeds={ONE: Boundaries(words=("a",))}),
        Boundaries(feeds={ONE: Boundaries(only=Rules(words=("a",)))}),
        Boundaries(feeds={TWO: Boundaries(words=("a",))}),
    ]
    assert len({rules.digest for rules in every}) == len(every)


def test_a_file_says_what_is_wanted_and_what_holds_for_a_feed() -> None:
    text = f"""words = ["x"]
[only]
sources = ["e.com"]
[[feed]]
url = "{ONE}"
tags = ["law"]
[[feed]]
url = "{TWO}"
[feed.only]
words = ["ferr*"]
"""
    assert parse_boundaries(text, "b.toml", TAGS) == Boundaries(
        words=("x",),
        only=Rules(sources=("e.com",)),
        feeds={ONE: Boundaries(tags=frozenset({"law"})), TWO: Boundaries(only=Rules(words=("ferr*",)))},
    )


# --- the file -------------------------------------------------------------------------------------


def test_a_file_of_boundaries_is_read() -> None:
    text = 'sources = ["x.example"]\nwords = ["black   friday"]\ntags = ["law"]\n[minimum_confidence]\nfood = 0.6\n'
    read = parse_boundaries(text, "b.toml", TAGS)
    assert read == Boundaries(("x.example",), ("black friday",), frozenset({"law"}), {"food": 0.6})
    assert parse_boundaries("", "b.toml", TAGS) == Boundaries()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("words = = 1", r"b\.toml: .*line 1.*Fix the TOML"),
        ("# words\nword = ['x']", r"b\.toml:2: unknown boundary 'word'\. Did you mean words\?"),
        ("zzz = 1", r"b\.toml:1: unknown boundary 'zzz'\. Use sources, words"),
        ("\nwords = 'x'", r"b\.toml:2: words isn't a list of strings\. Write words = "),
        ("words = [1]", r"b\.toml:1: words isn't a list"),
        ("words = ['a', ' * ']", r"b\.toml:1: words has ' \* ', which would match everything"),
        ("sources = ['']", r"b\.toml:1: sources has '', which would match everything"),
        ("tags = ['footbal']", r"b\.toml:1: unknown tag 'footbal'\. Did you mean football\?"),
        ("tags = ['qqqq']", r"b\.toml:1: unknown tag 'qqqq'\. Run `tierbot tags list`"),
        ("minimum_confidence = 0.5", r"b\.toml:1: minimum_confidence isn't a table"),
        ("[minimum_confidence]\nfood = 1.5", r"b\.toml:2: food = 1\.5 isn't a number from 0 to 1"),
        ("[minimum_confidence]\nfood = true", r"b\.toml:2: food = True isn't a number"),
        ("[minimum_confidence]\nfod = 0.5", r"b\.toml:2: unknown tag 'fod'\. Did you mean food\?"),
        ("words = ['a']\n[only]\nword = ['x']", r"b\.toml:3: unknown boundary 'word'\. Did you mean words\?"),
        ("only = ['x']", r"b\.toml:1: only isn't a table\. Write \[only\]"),
        ("feed = 'x'", r"b\.toml:1: feed isn't a list of tables\. Write \[\[feed\]\]"),
        ("[[feed]]\nwords = ['x']", r"b\.toml:1: each feed needs a url of its own"),
        ("[[feed]]\nurl = 'ftp://x/'", r"b\.toml:2: each feed needs a url"),
        ("[[feed]]\nurl = 'https://a.b'\n[[feed]]\nurl='http://a.b/'", r"b\.toml:4: each feed needs a url of its own"),
        ("[[feed]]\nurl = 'https://a.b'\n[[feed]]\nurl='http://b.b/'\nwords = 'x'", r"b\.toml:5: words isn't a list"),
        (
            "[[feed]]\nurl = 'https://a.b'\n[feed.only]\ntags = ['fod']",
            r"b\.toml:4: unknown tag 'fod'\. Did you mean food",
        ),
        (f"words = {['x'] * 5001}", r"b\.toml:1: 5001 words\. Use no more than 5000"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_line_and_remedy(text: str, says: str) -> None:
    with pytest.raises(BoundaryFileError, match=says):
        parse_boundaries(text, "b.toml", TAGS)


def test_boundaries_are_read_from_a_file_and_without_one_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "boundaries.toml"
    path.write_text('words = ["coin*"]\n', encoding="utf-8")
    assert load_boundaries(path, TAGS) == Boundaries(words=("coin*",))
    assert load_boundaries(None, TAGS) == Boundaries()
    with pytest.raises(BoundaryFileError, match=r"nowhere\.toml: cannot be read \(No such file"):
        load_boundaries(tmp_path / "nowhere.toml", TAGS)
    path.write_bytes(b"words = ['\xff']")
    with pytest.raises(BoundaryFileError, match="is not UTF-8 text"):
        load_boundaries(path, TAGS)


def test_grounds_change_with_the_rules_and_those_about_tags_with_the_model() -> None:
    one = Boundaries(words=("a", "b"), tags=frozenset({"law", "food"}))
    same = Boundaries(words=("a", "b"), tags=frozenset({"food", "law"}))
    other = Boundaries(words=("a",), tags=frozenset({"food", "law"}))
    assert one.grounds("m1") == same.grounds("m1")
    assert one.grounds("m1")[0] == one.grounds("m2")[0]
    assert one.grounds("m1")[1] != one.grounds("m2")[1]
    assert not set(one.grounds("m1")) & set(other.grounds("m1"))
    assert Boundaries().digest == ""


@given(
    rules=st.lists(st.text("ab* .é日", min_size=1, max_size=6).filter(lambda r: r.strip(" *")), min_size=1, max_size=5),
    title=st.text("abAB .éÉ日,", max_size=30),
)
def test_the_rule_named_is_the_first_of_the_file_whose_pattern_is_there(rules: list[str], title: str) -> None:
    words = tuple(" ".join(rule.split()) for rule in rules)
    there = [rule for rule in words if re.search(boundaries._as_pattern(rule), title.casefold())]
    held = Boundaries(words=words).before(article(title=title))
    assert (held and held.rule) == (there[0] if there else None)


def test_the_documented_example_can_be_used() -> None:
    page = DOCS / "how-to" / "boundaries.md"
    (example,) = re.findall(r"```toml\n(sources = .*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    found = parse_boundaries(example, page.name, TAGS)
    assert all((found.sources, found.words, found.tags, found.minimum_confidence, found.only.words))
    assert all(rules.only.tags for rules in found.feeds.values())
