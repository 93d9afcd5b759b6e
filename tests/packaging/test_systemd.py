"""The systemd unit starts what the wheel installs, and stops it as it wants to be stopped."""

import configparser
import shlex

from cli.server import FAILED, WRONG_USAGE
from tests.packaging.building import ROOT


def test_the_unit() -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # names have capitals
    unit.read(ROOT / "examples/systemd/zbroker.service")
    service = unit["Service"]
    program, file = shlex.split(service["ExecStart"])
    assert program.endswith("/bin/zbroker")
    assert file.endswith("/server.properties")
    # The default signal is SIGTERM; a second one would end the broker at once.
    assert "KillSignal" not in service
    assert service["KillMode"] == "mixed"
    assert service["Restart"] == "on-failure"
    assert FAILED != WRONG_USAGE == int(service["RestartPreventExitStatus"])
    assert unit["Install"]["WantedBy"] == "multi-user.target"
