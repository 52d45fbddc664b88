"""`tierbot doctor` reads the files that the settings name, and names the one that it can't use."""

from pathlib import Path

import pytest

from tierbot.app.doctor.checkup import _files_in
from tierbot.settings import load_settings


@pytest.mark.parametrize(
    ("setting", "content", "says"),
    [
        ("boundaries", None, "cannot be read"),
        ("boundaries", 'tags = ["celebrityy"]\n', "unknown tag 'celebrityy'"),
        ("feeds", None, "cannot be read"),
        ("feeds", "no address\n", "isn't an http(s) URL"),
        ("tags", None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_fault(
    tmp_path: Path, setting: str, content: str | None, says: str
) -> None:
    file = tmp_path / "mine"
    if content is not None:
        file.write_text(content)
    tags, fault = _files_in(load_settings(None, **{setting: file}))
    assert fault is not None
    assert fault.startswith(str(file))
    assert says in fault
    assert (tags is None) == (setting == "tags")


def test_files_that_can_be_used_are_no_fault() -> None:
    tags, fault = _files_in(load_settings(None))
    assert fault is None
    assert tags is not None
