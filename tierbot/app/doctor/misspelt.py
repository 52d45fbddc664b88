"""Names that look like settings and are none: a setting that is misspelt would be ignored without a word."""

from collections.abc import Iterable
from difflib import get_close_matches

from tierbot.settings import Settings, environment_name

_PREFIX = "TIERBOT_"
_TESTS = frozenset({"TIERBOT_CROWDS", "TIERBOT_TEST_POSTGRES"})  # what tests and benchmarks read


def misspelt(names: Iterable[str]) -> list[str]:
    """Return a sentence for each name of the environment or .env that begins like a setting and is none.

    >>> misspelt(["TIERBOT_ADMIN", "TIERBOT_CHANNEL", "HOME"])
    ['TIERBOT_ADMIN is no setting and has no effect; is TIERBOT_ADMINS meant?']
    """
    known = {environment_name(field) for field in Settings.model_fields} | _TESTS
    found = []
    for name in sorted({one.upper() for one in names}):
        if name.startswith(_PREFIX) and name not in known:
            near = get_close_matches(name, sorted(known - _TESTS), n=1, cutoff=0.75)
            meant = f"is {near[0]} meant?" if near else "`.env.example` lists those there are."
            found.append(f"{name} is no setting and has no effect; {meant}")
    return found
