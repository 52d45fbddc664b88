"""The package keeps its shape: few entries, few floors, no circles, no import that runs up."""

from tests.support.structure import circles, entries, floors, folders, imports, layers, rooms, upward

MOST_ENTRIES, MOST_FLOORS = 12, 10


def test_the_top_of_the_package_can_be_taken_in_at_a_glance() -> None:
    assert len(entries()) <= MOST_ENTRIES


def test_no_folder_has_more_floors_than_a_reader_can_hold() -> None:
    arrows = imports()
    too_high = {
        folder: high
        for folder in folders()
        if (inside := rooms(arrows, folder)) and (high := max(floors(inside).values())) > MOST_FLOORS
    }
    assert too_high == {}


def test_neither_files_nor_folders_import_one_another_in_a_circle() -> None:
    arrows = imports()
    assert circles(arrows) == []
    assert [circles(rooms(arrows, folder)) for folder in folders() if circles(rooms(arrows, folder))] == []


def test_no_import_runs_up() -> None:
    assert upward(rooms(imports()), layers()) == []


def test_a_circle_and_an_arrow_that_runs_up_would_be_found() -> None:
    tied = {"a": frozenset({"b"}), "b": frozenset({"c"}), "c": frozenset({"a"}), "d": frozenset({"a"})}
    assert circles(tied) == [["a", "b", "c"]]
    order = [frozenset({"t.top"}), frozenset({"t.low"})]
    assert upward({"t.low": frozenset({"t.top"}), "t.top": frozenset({"t.low"})}, order) == [("t.low", "t.top")]
