"""`.env` as text: what is there stays, what is put in is what the settings' reader finds."""

import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from tierbot.cli.envfile import read_text, values_of, with_values, write_private
from tierbot.domain.nouns import TierbotError

NAMES = st.from_regex(r"[A-Z][A-Z_]{0,12}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=30)


@given(st.dictionaries(NAMES, VALUES, max_size=5), st.dictionaries(NAMES, VALUES, max_size=5))
def test_what_was_put_in_is_read_back_and_the_rest_kept(tmp_path_factory, before, fresh) -> None:
    text = with_values(with_values("# mine\n", before), fresh)
    wanted = before | fresh
    assert values_of(text) == wanted
    assert text.startswith("# mine\n")
    path = tmp_path_factory.mktemp("env") / ".env"
    path.write_text(text, encoding="utf-8")
    assert dict(dotenv_values(path, interpolate=False)) == wanted, "as the settings' reader sees it"


def test_comments_order_and_other_settings_stay() -> None:
    text = "# mine\nexport A=1 # first\n\n  B='two words'\n# C=3\nA=9\n"
    assert values_of(text) == {"A": "9", "B": "two words"}
    assert with_values(text, {"A": "5", "C": "4"}) == "# mine\nA=5\n\n  B='two words'\n# C=3\nC=4\n"


def test_the_file_is_its_owners_alone_and_written_whole(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("A=1\n")
    path.chmod(0o644)
    write_private(path, "A=2\n")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("A=2\n", 0o600)
    assert [file.name for file in tmp_path.iterdir()] == [".env"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("")
    (tmp_path / ".env").symlink_to(tmp_path / "real")
    write_private(tmp_path / ".env", "A=1\n")
    assert (tmp_path / ".env").is_symlink()
    assert (tmp_path / "real").read_text() == "A=1\n"


def test_a_file_that_cannot_be_read_or_written_is_one_sentence(tmp_path: Path) -> None:
    assert read_text(tmp_path / "none") == ""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for act in (lambda: read_text(tmp_path / "binary"), lambda: read_text(tmp_path)):
        with pytest.raises(TierbotError, match="cannot be read"):
            act()
    with pytest.raises(TierbotError, match="cannot be written"):
        write_private(tmp_path / "no" / "folder" / ".env", "A=1\n")
