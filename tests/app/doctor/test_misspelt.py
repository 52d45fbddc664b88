"""A setting that is misspelt is named, with the one that may be meant."""

import pytest

from tierbot.app.doctor.misspelt import misspelt
from tierbot.settings import Settings, environment_name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TIERBOT_ADMIN", "Did you mean TIERBOT_ADMINS?"),
        ("tierbot_blank_shares", "Did you mean TIERBOT_BLANK_SHARE?"),
        ("TIERBOT_ZZZ", "See `.env.example`"),
        ("TIERBOT_FIRST_STAGE", "See `.env.example`"),  # of an earlier version
    ],
)
def test_a_name_that_begins_like_a_setting_and_is_none_is_told_with_the_nearest(name: str, meant: str) -> None:
    (said,) = misspelt([name, "HOME", "SLACK_BOT_TOKEN"])
    assert said.startswith(f"{name.upper()} isn't a setting and has no effect")
    assert meant in said


def test_settings_and_what_tests_read_are_no_misspellings() -> None:
    names = [environment_name(field) for field in Settings.model_fields]
    assert misspelt([*names, *map(str.lower, names), "TIERBOT_TEST_POSTGRES"]) == []
