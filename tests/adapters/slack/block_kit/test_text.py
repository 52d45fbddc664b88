"""Outside text is made literal, visible and short."""

import doctest
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot import logs
from tierbot.adapters.slack.block_kit import text
from tierbot.adapters.slack.commands import grammar as commands


def test_the_examples_in_the_docstrings_are_true():
    for module in (text, commands, logs):
        assert doctest.testmod(module).failed == 0


@given(st.text(st.characters()), st.integers(5, 300))
def test_cleaned_text_is_one_visible_line_within_its_limit(raw, limit):
    line = text.clean(raw, limit)
    assert len(line) <= limit
    assert line == " ".join(line.split())
    line.encode("utf-8")  # no lone surrogates
    assert not set(line) & set(
        "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\x00\x1b\n\u2028"
    )


@given(st.text(st.characters()))
def test_cleaning_twice_is_cleaning_once(raw):
    once = text.clean(raw, 100)
    assert text.clean(once, 100) == once


@given(st.text(st.characters()))
def test_escaped_text_holds_no_markup_of_its_own(raw):
    said = text.mrkdwn(text.clean(raw, 200))
    assert not set(said) & set("<>*~`")
    assert "&" not in said.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert not re.search(r":[^\s:]+:", said)


def test_an_underscore_inside_a_word_stays():
    assert text.mrkdwn("my_var is _not_ italic") == "my_var is ˍnotˍ italic"


def test_right_to_left_marks_are_removed_and_persian_words_hold_together():
    assert text.clean("a\u202eb\u2066c", 10) == "abc"
    assert text.clean("می\u200cخواهم", 20) == "می\u200cخواهم"


def test_a_title_of_ten_megabytes_is_cut_at_once():
    assert text.clean("word " * 2_000_000, 30) == "word word word word word word…"


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://a.example/x?q=1&r=2#z", "https://a.example/x?q=1&r=2#z"),
        ("http://a.example/a|b<c>d e", "http://a.example/a%7Cb%3Cc%3Ed%20e"),
        ("https://a.example/\u202ecod.exe", "https://a.example/%E2%80%AEcod.exe"),
        ("https://bücher.example/ü", "https://bücher.example/ü"),
        (" https://a.example ", "https://a.example"),
        ("javascript:alert(1)", None),
        ("ftp://a.example/x", None),
        ("https://", None),
        ("https://[::1", None),
        ("https://bank.example@evil.example/", None),
        ("//a.example", None),
        ("https://a.example/" + "x" * 2000, None),
        ("https://a.example/\ud800", None),
        ("", None),
    ],
)
def test_only_harmless_web_addresses_become_links(url, safe):
    assert text.safe_url(url) == safe


@given(st.text(st.characters()))
def test_no_address_breaks_out_of_its_link(raw):
    for url in (raw, f"https://a.example/{raw}", f"https://{raw}"):
        said = text.link(url, "label")
        assert said == "label" or (said.startswith("<http") and said.count("<") == 1 and said.count("|") == 1)


def test_a_person_is_mentioned_by_id_and_anyone_else_by_name():
    assert text.person("U0123ABC") == "<@U0123ABC>"
    assert text.person("cli") == "cli"
    assert text.person("<!channel>") == "&lt;!channel&gt;"
    assert text.person("\u202e") == "someone"
