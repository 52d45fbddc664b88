"""App Home's facts, and the opt-out."""

from tests.conftest import WORKSPACE, Harness


def test_home_puts_together_score_standings_and_accuracy_by_round(harness: Harness) -> None:
    for ts in harness.posts(6):
        for user in ("U1", "U2"):
            harness.react(user, ts, harness.emoji(ts))
    harness.bot.loop.close_round(WORKSPACE)
    (ts,) = harness.posts(1)
    harness.react("U1", ts, harness.emoji(ts))
    harness.settle()
    home = harness.bot.home.of(WORKSPACE, "U1")
    assert (home.score.round_number, home.score.standing.score, home.board.standings[0].user) == (2, 1, "U1")
    assert [one.number for one in home.progress] == [1, 2]
    assert home.progress[0].all.n == 6
    assert home.progress[1].all.n == 0
    assert (home.model, home.opted_out) == ("m0001", False)


def test_opting_out_is_remembered_with_the_name_and_can_be_taken_back(harness: Harness) -> None:
    assert harness.bot.home.opt_out(WORKSPACE, "U1", "anna", opted_out=True)
    assert not harness.bot.home.opt_out(WORKSPACE, "U1", "", opted_out=True)
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.trainers.opted_out() == {"U1": "anna"}
    assert harness.bot.home.of(WORKSPACE, "U1").opted_out
    assert not harness.bot.home.of(WORKSPACE, "U2").opted_out
    assert harness.bot.home.opt_out(WORKSPACE, "U1", "anna", opted_out=False)
    with harness.bot.store.read(WORKSPACE) as tx:
        assert tx.trainers.opted_out() == {}
