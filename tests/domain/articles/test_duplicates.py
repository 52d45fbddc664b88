"""One story, one article: what folds, what must not, and that nothing counts twice."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.domain.articles.duplicates import Folded, copy_id, fold, separate, to_article, words
from tierbot.domain.articles.rows import ArchiveRow, row_of
from tierbot.domain.nouns import Article

NOW = datetime(2026, 7, 1, tzinfo=UTC)


def article(title: str, url: str = "", text: str = "", source: str = "", day: int | None = None) -> Article:
    published = None if day is None else (NOW - timedelta(days=30 - day)).isoformat()
    row = row_of({"title": title, "url": url, "text": text, "source": source, "date": published}, 1, NOW)
    assert isinstance(row, ArchiveRow)
    return to_article(row, NOW)


def same_story(one: Article, other: Article) -> bool:
    assert one.id != other.id
    forwards, backwards = fold([one, other], []), fold([other, one], [])
    assert len(forwards.new) == len(backwards.new)  # likeness is symmetric
    return len(forwards.new) == 1


# --- identity -------------------------------------------------------------------------------------


EPISODES = [
    article(
        "Episode 41: A volcano under the ice", "https://pod.example/", "Two geologists on eruptions below glaciers."
    ),
    article(
        "Episode 42: Why bread got expensive", "https://pod.example/", "Wheat, war and bakers, told by an economist."
    ),
    article("Episode 43: The referee who changed football", "https://pod.example/", "A life in cards and whistles."),
]


def test_items_that_share_a_link_stay_apart_and_are_known_when_they_are_read_again() -> None:
    first = separate(EPISODES, {})
    assert first[0].id == EPISODES[0].id
    assert len({one.id for one in first}) == 3
    known = {one.id: one for one in first}
    assert separate(EPISODES, known) == first
    assert separate(EPISODES[1:], known) == first[1:]
    assert fold(separate(EPISODES, known), first) == Folded((), ())


def test_an_item_that_was_edited_stays_what_it_is() -> None:
    url, text = "https://e.com/1", "The council voted on Tuesday to close the old bridge for two years of repairs."
    known = article("Council votes to close the old bridge", url, text)
    for edited in (
        article("Old bridge to close for two years, council decides", url, text + " Shops protest."),
        article("No more crossing", url, text),
        article("Council votes to close old bridge", url),
    ):
        assert separate([edited], {known.id: known})[0].id == known.id


def test_tickets_with_one_title_and_one_link_are_told_apart_by_their_texts() -> None:
    tickets = [
        article("New ticket", "https://support.example/tickets", "The login page shows an error since the update."),
        article("New ticket", "https://support.example/tickets", "How can I export my invoices of October as CSV?"),
    ]
    assert len({one.id for one in separate(tickets, {})}) == 2


def test_reading_the_same_again_adds_nothing() -> None:
    read = [article("One story", "https://e.com/1"), article("Other story"), article("", text="a message")]
    first = fold(read, [])
    assert first.new == tuple(read)
    again = fold(read, first.new)
    assert again.new == ()
    assert again.found == ()


def test_an_id_depends_on_the_page_not_on_how_it_is_linked() -> None:
    one = article("A", "https://www.example.com/x?utm_source=rss#top")
    assert one.id == article("B changed its headline", "http://example.com/x/").id
    assert one.id != article("A", "https://example.com/y").id


def test_without_an_address_title_text_source_and_day_tell_articles_apart() -> None:
    base = article("Trump 's plan !", source="AP", day=3)
    assert base.id == article("Trump’s Plan", source="ap", day=3).id
    others = [
        article("Trump's plan", source="BBC", day=3),
        article("Trump's plan", source="AP", day=4),
        article("Trump's plan", source="AP", day=3, text="words"),
        article("Trump's other plan", source="AP", day=3),
    ]
    assert len({base.id, *(other.id for other in others)}) == 5


def test_a_message_without_title_is_headed_by_its_text_and_short_ones_are_not_said_twice() -> None:
    short, long = article("", text="ok thanks"), article("", text="word " * 100)
    assert (short.title, short.text) == ("ok thanks", "")
    assert long.title.endswith("…")
    assert len(long.title) <= 120
    assert long.text == ("word " * 100).strip()


def test_a_source_that_is_not_named_is_the_site() -> None:
    assert article("x", "https://www.bbc.co.uk/a").source == "bbc.co.uk"
    assert article("x", "https://www.bbc.co.uk/a", source="BBC").source == "BBC"


# --- copies ---------------------------------------------------------------------------------------


def test_the_same_page_listed_by_another_source_is_a_copy_that_names_it() -> None:
    one = article("A story", "https://e.com/1", source="E")
    listed = article("A story", "https://e.com/1", source="Hacker News")
    folded = fold([one, listed], [])
    assert folded.new == (one,)
    assert folded.copies == {one.id: 1}
    assert folded.found[0].source == "Hacker News"


def test_copies_of_recent_articles_and_of_new_ones_are_counted_alike() -> None:
    old = article("Fire kills three people in central Rome", "https://a.com/1", source="A")
    new = article("Parliament passes the budget after long debate", "https://a.com/2", source="A")
    incoming = [
        article("Fire kills three people in central Rome", "https://b.com/1", source="B"),
        new,
        article("Parliament passes the budget after long debate", "https://b.com/2", source="B"),
        article("Fire kills three people in central Rome", "https://c.com/1", source="C"),
    ]
    folded = fold(incoming, [old])
    assert folded.new == (new,)
    assert folded.copies == {old.id: 2, new.id: 1}


def test_a_copy_found_again_has_the_same_id_so_that_it_counts_once() -> None:
    one = article("Fire kills three people in central Rome", "https://a.com/1", source="A")
    two = article("Fire kills three people in central Rome", "https://b.com/1", source="B")
    assert fold([one, two], []).found == fold([two, one], [one]).found


def test_a_known_copy_adds_nothing_even_when_its_original_is_no_longer_recent() -> None:
    one = article("Fire kills three people in central Rome", "https://a.com/1", source="A")
    two = article("Fire kills three people in central Rome", "https://b.com/1", source="B")
    [copy] = fold([one, two], []).found
    assert copy.id == copy_id(two)
    assert fold([two], [], known={copy.id}) == Folded((), ())


def test_a_row_repeated_within_a_file_is_counted_also_when_the_file_is_read_again() -> None:
    one = article("A story", "https://e.com/1")
    first = fold([one, one, one], [])
    assert first.copies == {one.id: 2}
    assert set(fold([one, one, one], first.new).found) == set(first.found)


# --- near duplicates ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Fire kills three people in central Rome", "Fire Kills Three People in Central Rome!"),
        ("Fire kills 3 people in central Rome", "Fire kills three people in central Rome"),
        ("Fire kills three people in central Rome", "Fire kills three people in central Rome, officials say"),
        ("Stephen Colbert mocks the president again", "Stephen Colbert mocked the president again"),
        ("Apple's new color display is here at last", "Apple’s new colour display is here at last"),
        ("The parliament passes a budget after long debate", "Parliament passes the budget after long debate"),
        ("新しい首相が国会で演説を行いました", "新しい首相が国会で演説を行いました。"),
    ],
)
def test_one_story_told_twice_is_folded(one: str, other: str) -> None:
    assert same_story(article(one, "https://a.com/1"), article(other, "https://b.com/2"))


def test_the_publishers_name_at_the_end_of_a_title_does_not_count() -> None:
    one = article("Fire kills three people in central Rome - BBC News", "https://bbc.com/1", source="BBC News")
    assert same_story(one, article("Fire kills three people in central Rome", "https://b.com/2"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The history of the Roman empire, part 1", "The history of the Roman empire, part 2"),
        ("The history of the Roman empire, part I", "The history of the Roman empire, part II"),
        ("The history of the Roman empire, part one", "The history of the Roman empire, part two"),
        ("Fire kills three people in central Rome", "Fire kills four people in central Rome"),
        ("Python 3.12 released with many new features", "Python 3.13 released with many new features"),
        ("Germany beats France in World Cup qualifier", "Germany beats Greece in World Cup qualifier"),
        ("Germany beats France in World Cup qualifier", "France beats Germany in World Cup qualifier"),
        ("Prime minister of Niger meets the press", "Prime minister of Nigeria meets the press"),
        ("Bush fires burn in the south of Austria", "Bush fires burn in the south of Australia"),
        ("Apple beats estimates in the first quarter", "Apple misses estimates in the first quarter"),
        ("There is evidence that the vaccine works", "There is no evidence that the vaccine works"),
        ("The senator denies the charges of corruption", "The senator the charges of corruption"),
        ("Athletes to watch at the winter olympics", "The winter olympics, by the judges' notes"),
        ("Interest rates rise", "Interest rates fall"),
        ("Obama wins", "Obama wins"),
        ("首相が辞任", "首相が就任"),
    ],
)
def test_different_stories_stay_apart(one: str, other: str) -> None:
    assert not same_story(article(one, "https://a.com/1"), article(other, "https://b.com/2"))


def test_short_titles_fold_only_if_their_texts_agree() -> None:
    text = "The president won the election with a clear majority of the votes that were counted."
    one = article("Obama wins", "https://a.com/1", text)
    assert same_story(one, article("Obama wins!", "https://b.com/2", text + " More."))
    assert not same_story(
        one, article("Obama wins", "https://b.com/2", "A dog of that name took first prize in Crufts.")
    )


def test_a_column_under_one_headline_is_a_new_story_every_week() -> None:
    title = "The funniest tweets from parents this week"
    one = article(title, "https://a.com/1", day=3)
    assert not same_story(one, article(title, "https://a.com/2", day=10))
    assert same_story(one, article(title, "https://b.com/2", day=4))


def test_one_publisher_with_one_headline_and_unlike_texts_told_two_stories() -> None:
    title = "Everything you need to know this morning"
    one = article(title, "https://a.com/1", "Parliament votes on the budget after a night of talks.")
    assert not same_story(one, article(title, "https://a.com/2", "Floods in Bavaria: thousands leave their houses."))


def test_the_likest_article_gets_the_copy() -> None:
    near = article("Fire kills three people in central Rome, officials say", "https://a.com/1")
    nearer = article("Fire kills three people in the center of Rome", "https://b.com/1")
    exact = article("Fire kills three people in central Rome", "https://c.com/1", source="C")
    incoming = article("Fire kills three people in central Rome", "https://d.com/1")
    folded = fold([incoming], [near, nearer, exact])
    assert folded.copies == {exact.id: 1}


# --- laws -----------------------------------------------------------------------------------------

WORDS = st.sampled_from(words("fire rome kills three people in central no 2 part storm budget vote the paris"))
ARTICLES = st.builds(
    lambda title, site, text: article(" ".join(title), site and f"https://{site}.com/{'-'.join(title)}", text),
    st.lists(WORDS, min_size=1, max_size=8),
    st.sampled_from(["", "a", "b", "c"]),
    st.sampled_from(["", "some words", "quite another thing"]),
)


@given(st.lists(ARTICLES, max_size=12), st.lists(ARTICLES, max_size=6))
def test_folding_loses_nothing_and_folding_again_finds_nothing_new(
    incoming: list[Article], recent: list[Article]
) -> None:
    recent = list(fold(recent, []).new)
    folded = fold(incoming, recent)
    known = {a.id for a in recent} | {a.id for a in folded.new}
    assert len({a.id for a in folded.new}) == len(folded.new)
    assert {copy.article_id for copy in folded.found} <= known
    assert len({copy.id for copy in folded.found}) == len(folded.found)
    assert fold(incoming, recent) == folded
    again = fold(incoming, [*recent, *folded.new])
    assert again.new == ()
    assert {copy.id for copy in again.found} <= {copy.id for copy in folded.found}


@given(st.lists(ARTICLES, max_size=10))
def test_an_article_folded_in_has_the_original_among_those_before_it(incoming: list[Article]) -> None:
    folded = fold(incoming, [])
    assert [a.id for a in folded.new] == [a.id for a in sorted(folded.new, key=incoming.index)]
    assert len(folded.new) + len(folded.found) == len(incoming)


def in_seconds(titles: list[str]) -> float:
    made = [replace(article("x"), id=str(n), title=title, source=str(n % 50)) for n, title in enumerate(titles)]
    began = time.thread_time()
    folded = fold(made[:10_000], made[10_000:])
    assert len(folded.new) + len(folded.found) == 10_000
    return time.thread_time() - began


def test_ten_thousand_articles_fold_against_five_thousand_in_seconds() -> None:
    generator = np.random.default_rng(7)
    frequencies = 1 / np.arange(5, 4_005)
    drawn = generator.choice(4_000, size=(15_000, 10), p=frequencies / frequencies.sum())
    assert in_seconds([" ".join(f"word{n}" for n in title) for title in drawn]) < 15


def test_titles_from_one_template_do_not_make_folding_slow() -> None:
    assert in_seconds([f"The daily report about the topic of number {n} is here" for n in range(15_000)]) < 15
    assert in_seconds([f"The daily report about the topic called topic{n} is here" for n in range(15_000)]) < 15


def test_words_ignore_case_punctuation_accents_and_the_blanks_of_tokenised_text() -> None:
    assert words("there 's a ' Café ' we ca n't miss") == words("There’s a 'Cafe' we can't miss")
