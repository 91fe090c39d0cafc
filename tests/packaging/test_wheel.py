"""A wheel built from the checkout holds everything that a client needs, and nothing of the workshop."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from oracle.chain import artifacts

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built from a copy of the tracked tree, so that the build leaves nothing in the checkout."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, listing.decode().split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source]
    subprocess.run(command, check=True, capture_output=True)
    return zipfile.ZipFile(next(out.glob("*.whl")))


def test_every_file_of_the_package_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    tracked = subprocess.run(["git", "ls-files", "oracle"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert set(tracked.stdout.split()) - set(wheel.namelist()) == set()


def test_artifacts_are_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    wanted = {f"oracle/chain/artifacts/{name}.json" for name in artifacts.names()}
    assert wanted <= set(wheel.namelist())


def test_only_the_package_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    assert {name.partition("/")[0].partition("-")[0] for name in wheel.namelist()} == {"oracle", "mixed_mia"}


def test_licences_and_command_are_declared(wheel: zipfile.ZipFile) -> None:
    names = {name.rpartition("/")[2]: name for name in wheel.namelist() if ".dist-info/" in name}
    assert {"LICENSE", "THIRD_PARTY_LICENSES.md"} <= names.keys()
    entry_points = configparser.ConfigParser()
    entry_points.read_string(wheel.read(names["entry_points.txt"]).decode())
    assert entry_points["console_scripts"]["mia"] == "oracle.cli.main:main"
