"""The demo's Slack, a process of its own that ends with ours."""

import os

from tierbot.app.demo.workspace import SandboxProcess


def test_ctrl_c_in_the_terminal_does_not_end_slack_before_the_bot() -> None:
    with SandboxProcess(users=("ada:admin",)) as sandbox:
        assert sandbox._process
        assert os.getpgid(sandbox._process.pid) != os.getpgrp(), "a terminal signals a whole group"
    assert sandbox._process.returncode is not None
