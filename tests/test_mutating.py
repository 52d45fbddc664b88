"""The mutation run's own tools: a change is made, in one process only, and noticed."""

import gc
import signal
import tomllib
from pathlib import Path

import pytest

from tests.benchmarks.mutations import EQUIVALENT, GROUPS, files_of, forked
from tests.support.mutating import Mutation, mutations, take_on
from tests.support.votes import event
from tierbot.domain.feedback.votes import menu_changes, standing
from tierbot.use_cases.delivery import look_up

VOTES = "tierbot/domain/feedback/votes.py"


@pytest.mark.parametrize("path", [VOTES, "tierbot/adapters/store/outbox.py"])
def test_each_change_has_an_id_of_its_own_and_compiles(path: str) -> None:
    found = mutations(path)
    assert len({one.id for one in found}) == len(found) > 30
    for one in found:
        one.code()


def test_a_change_to_a_function_or_a_constant_is_taken_on_by_the_forked_process_alone() -> None:
    def change(path: str, where: str, ending: str = "") -> Mutation:
        return next(one for one in mutations(path) if one.where == where and one.shown.endswith(ending))

    gc.freeze()  # as the bot does at its start
    added = [event("U1", "pizza")]
    kept = change(VOTES, "standing", "event.added → not event.added")
    assert forked(lambda: (take_on(kept), len(standing(added))), 60) == (True, 0)
    assert len(standing(added)) == 1, "another process did"
    nothing = change(VOTES, "menu_changes", "return None")
    assert forked(lambda: (take_on(nothing), menu_changes(["a"], [])), 60) == (True, None)
    assert menu_changes(["a"], []) == [("a", False)]
    longer = change("tierbot/use_cases/delivery/look_up.py", "GIVE_UP_AFTER")
    assert forked(lambda: (take_on(longer), look_up.GIVE_UP_AFTER.total_seconds()), 60) == (True, 31 * 60)
    assert look_up.GIVE_UP_AFTER.total_seconds() == 30 * 60


def test_log_lines_and_the_texts_of_errors_stay_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(
        'def f(a: int = 1) -> int:\n    """Text."""\n    log.info("text")\n    if a < 2:\n        raise ValueError("text")\n    return a\n'
    )
    assert [one.shown for one in mutations(str(path))] == ["a < 2 → a <= 2", "2 → 3", "return a → return None"]


def test_work_that_hangs_or_crashes_gives_nothing() -> None:
    assert forked(lambda: 1 / 0, 30) is None
    assert forked(signal.pause, 0.1) is None


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_names_files_and_tests_that_exist(group: str) -> None:
    assert all(Path(path).is_file() for path in files_of(group))
    assert all(Path(path).exists() for path in GROUPS[group][1])
    listed = tomllib.loads(EQUIVALENT.read_text("utf-8")).get(group, {})
    assert set(listed) <= {one.id for path in files_of(group) for one in mutations(path)}, "remove what is gone"
