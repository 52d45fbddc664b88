"""A misspelled setting is reported with the one that was probably meant."""

import pytest

from tierbot.app.doctor.misspellings import misspellings
from tierbot.settings import Settings, environment_name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TIERBOT_ADMIN", "Did you mean TIERBOT_ADMINS?"),
        ("tierbot_blank_shares", "Did you mean TIERBOT_BLANK_SHARE?"),
        ("TIERBOT_ZZZ", "See `.env.example`"),
        ("TIERBOT_FIRST_STAGE", "See `.env.example`"),  # of an earlier version
        ("TIERBOT_JOURNEY_CHANNEL", "Did you mean TIERBOT_SMOKE_TEST_CHANNEL?"),  # renamed after 0.1.0
    ],
)
def test_an_unknown_setting_is_reported_with_the_nearest_name(name: str, meant: str) -> None:
    (said,) = misspellings([name, "HOME", "SLACK_BOT_TOKEN"])
    assert said.startswith(f"{name.upper()} isn't a setting and has no effect")
    assert meant in said


def test_settings_and_names_that_tests_read_are_not_misspellings() -> None:
    names = [environment_name(field) for field in Settings.model_fields]
    assert misspellings([*names, *map(str.lower, names), "TIERBOT_TEST_POSTGRES"]) == []
