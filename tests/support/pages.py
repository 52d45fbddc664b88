"""The documentation as data: its pages, their fenced blocks, and the command lines in them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import ROOT

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

# A comment on the line before a block says what tests do with it:
#   <!-- run -->        it is run (sh, python) or read (json, toml) after those before it, in the same folder
#   <!-- file NAME -->  it is put into that file, for the blocks that follow
_BLOCK = re.compile(
    r"(?:^<!-- (?P<order>run|file (?P<file>\S+)) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_INLINE = re.compile(r"(?<!`)`(tierbot [^`]+)`(?!`)")
_ENDS = {"|", "||", "&&", ";", ">", ">>", "<", "&"}


@dataclass(frozen=True)
class Block:
    """A fenced block. order: "run", "file" or ""."""

    page: Path
    line: int
    language: str
    text: str
    order: str
    file: str | None


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            language=found["language"],
            text=found["text"],
            order=(found["order"] or "").split(" ")[0],
            file=found["file"],
        )
        for found in _BLOCK.finditer(text)
    ]


def command_lines(page: Path) -> Iterator[list[str]]:
    """Yield the words of each tierbot command that a page names, up to a pipe, a redirection or a comment."""
    text = page.read_text(encoding="utf-8")
    shell = [block.text.replace("\\\n", " ") for block in blocks(page) if block.language == "sh"]
    for line in [*"\n".join(shell).splitlines(), *(one.group(1) for one in _INLINE.finditer(text))]:
        yield from commands_in(line)


def commands_in(line: str) -> Iterator[list[str]]:
    """Yield the words after "tierbot" of each command in a line of shell."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # a quotation that goes on: no command of ours begins there
        return
    for place, word in enumerate(words):
        before = words[:place]
        if word == "tierbot" and (not before or before[-1] in _ENDS or all("=" in one for one in before)):
            rest = words[place + 1 :]
            end = next((number for number, one in enumerate(rest) if one in _ENDS), len(rest))
            yield rest[:end]
