"""Both content stores: a folder, and a real IPFS daemon where one can be had."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from oracle.custody.store import ContentStore, LocalStore

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from ipfs_daemon import SetupError, running

NO_DAEMON = "no IPFS daemon"


@pytest.fixture(scope="session")
def ipfs_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a daemon of this session's own: Kubo from PATH, else js-ipfs, installed when first needed."""
    with ExitStack() as stack:
        try:
            address = stack.enter_context(running(tmp_path_factory.mktemp("ipfs") / "repo"))
        except SetupError as error:
            pytest.skip(f"{NO_DAEMON}: {error}")
        yield address


@pytest.fixture(params=["local", "ipfs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ContentStore:
    """Each store in turn; the folder keeps nothing that is not pinned, as the daemon."""
    if request.param == "local":
        return LocalStore(tmp_path / "store", fresh=0)
    from oracle.custody.ipfs import IpfsStore

    return IpfsStore(request.getfixturevalue("ipfs_daemon"), timeout=2)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "filterwarnings", "ignore:The 'strict' parameter:FutureWarning"
    )  # see oracle.custody.daemon


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", ()) if NO_DAEMON in str(report.longrepr)]
    if skipped:
        reason = str(skipped[0].longrepr[2]) if isinstance(skipped[0].longrepr, tuple) else NO_DAEMON
        terminalreporter.write_line(f"{len(skipped)} tests of the IPFS store were skipped: {reason}")
