"""The logins of feeds that need a password, in a file as curl and ftp know it (netrc): machine HOST login USER password PASSWORD.

The file is read at each poll, so a new password needs no restart. Its `default` entry is ignored: it would hand a password to
any host.
"""

import logging
import netrc
from pathlib import Path
from urllib.parse import urlsplit

from tierbot.adapters.atomic import write_whole
from tierbot.domain.articles.logins import Login
from tierbot.domain.nouns import TierbotError

log = logging.getLogger(__name__)


def read_logins(path: Path) -> dict[str, Login]:
    """Return the logins by host, or by host:port; none if the file doesn't exist. Raises TierbotError if it is unreadable."""
    try:
        entries = netrc.netrc(path).hosts
    except FileNotFoundError:
        return {}
    except netrc.NetrcParseError as fault:  # its text may contain a password
        raise TierbotError(f"{path}:{fault.lineno}: expected machine HOST login USER password PASSWORD.") from None
    except (OSError, UnicodeDecodeError) as fault:
        raise TierbotError(f"{path} can't be read ({type(fault).__name__}). Save it as UTF-8 text.") from None
    return {host.lower(): Login(user, password) for host, (user, _, password) in entries.items() if host != "default"}


def login_for(url: str, path: Path | None) -> Login | None:
    """Return the login for a feed's host, None without one. An unreadable file is logged, and feeds without a login are read."""
    try:
        known = read_logins(path) if path else {}
    except TierbotError as fault:
        log.warning("%s Feeds that need a password aren't read until then.", fault)
        return None
    parts = urlsplit(url)
    return known.get(parts.netloc) or known.get(parts.hostname or "")


def keep_login(url: str, login: Login, path: Path) -> None:
    """Add a feed's login to the file, which only its owner can read.

    Raises TierbotError if the file has another login for that host.
    """
    host = urlsplit(url).netloc
    known = read_logins(path).get(host)
    if known == login:
        return
    if known is not None:
        raise TierbotError(f"{path} has another login for {host}. Change it there.")
    if any(not c.isprintable() for c in login.user + login.password):
        raise TierbotError(f"The login for {host} has unprintable characters. Check the address.")
    user, password = (value.replace("\\", "\\\\").replace('"', '\\"') for value in (login.user, login.password))
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        line = f'machine {host} login "{user}" password "{password}"\n'
        write_whole(
            path.resolve(), (before + ("" if before.endswith("\n") or not before else "\n") + line).encode(), 0o600
        )
    except OSError as fault:
        raise TierbotError(
            f"{path} can't be written ({fault.strerror}). Set TIERBOT_FEEDS_NETRC to a file that can."
        ) from fault
