"""Find misspelled and renamed settings, which would otherwise be ignored silently."""

from collections.abc import Iterable
from difflib import get_close_matches

from tierbot.settings import ENV_FILE, Settings, environment_name

_PREFIX = "TIERBOT_"
_TESTS = frozenset({"TIERBOT_CROWDS", "TIERBOT_TEST_POSTGRES"})  # what tests and benchmarks read
_RENAMED = {"TIERBOT_JOURNEY_": "TIERBOT_SMOKE_TEST_"}  # after 0.1.0


def misspellings(names: Iterable[str]) -> list[str]:
    """Return a sentence for each unknown name that starts with TIERBOT_.

    >>> misspellings(["TIERBOT_ADMIN", "TIERBOT_CHANNEL", "HOME"])
    ["TIERBOT_ADMIN isn't a setting and has no effect. Did you mean TIERBOT_ADMINS?"]
    """
    known = {environment_name(field) for field in Settings.model_fields} | {ENV_FILE} | _TESTS
    found = []
    for name in sorted({one.upper() for one in names}):
        if name.startswith(_PREFIX) and name not in known:
            current = [name.replace(old, new) for old, new in _RENAMED.items() if name.startswith(old)]
            near = current or get_close_matches(name, sorted(known - _TESTS), n=1, cutoff=0.75)
            hint = f"Did you mean {near[0]}?" if near else "See `.env.example` for all settings."
            found.append(f"{name} isn't a setting and has no effect. {hint}")
    return found
