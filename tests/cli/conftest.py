"""A chain with a market and an open round, and the command line as a user runs it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from oracle.chain.client import Market, connect
from oracle.chain.deploy import deploy_demo_token, deploy_market
from oracle.chain.devnet import Anvil
from oracle.chain.keys import create_keystore
from oracle.chain.terms_file import template
from oracle.chain.token import erc20
from oracle.chain.transact import send
from oracle.cli.main import run

if TYPE_CHECKING:
    from influence_files import Files

PASSWORD = "correct horse"


@dataclass
class Answer:
    """What a command left: exit code, the JSON document on stdout, stderr."""

    code: int
    document: Any
    said: str


Mia = Callable[..., Answer]


@pytest.fixture(scope="session")
def mia() -> Mia:
    """Run ``mia ARGUMENTS --json``; stdout must be exactly one JSON document."""

    def command(*arguments: object) -> Answer:
        said, result = io.StringIO(), io.StringIO()
        with redirect_stdout(result), redirect_stderr(said):
            code = run([*map(str, arguments), "--json"])
        return Answer(code, json.loads(result.getvalue()), said.getvalue())

    return command


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    """What ``mia influence`` is tested on, made anew for every module."""
    from influence_files import written  # it loads torch

    with written(tmp_path_factory.mktemp("influence")) as made:
        yield made


@pytest.fixture(scope="module")
def answer(mia: Mia, files: Files) -> Answer:
    """A short run of ``mia influence``, whose log is kept."""
    from influence_files import NAMES

    found = mia("influence", *files.options(log=files.folder / "log.json"), *(files[name] for name in NAMES))
    assert found.code == 0, found.said
    return found


@dataclass
class World:
    """A local market with round 1 open, its planner's and one provider's keystores, and a corpus."""

    chain: Anvil
    market: Market
    token: str
    folder: Path

    @property
    def here(self) -> list[str]:
        """The options that say where the market is."""
        return ["--rpc", self.chain.rpc, "--contract", self.market.address, "--store", f"local:{self.folder / 'store'}"]

    def key(self, name: str) -> list[str]:
        """The options that open somebody's keystore."""
        keystore, password = self.folder / f"{name}.json", self.folder / "password.txt"
        return ["--keystore", str(keystore), "--password-file", str(password)]

    def person(self, name: str) -> str:
        """Make a funded keystore; its address."""
        account = create_keystore(self.folder / f"{name}.json", PASSWORD, work=2**4)
        self.chain.request("anvil_setBalance", account.address, hex(10**19))
        return account.address


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, mia: Mia) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    (folder / "password.txt").write_text(PASSWORD + "\n")
    lines = [
        json.dumps({"id": str(n), "text": f"The tide of day {n} rose slowly over the harbour wall."}) for n in range(9)
    ]
    (folder / "corpus.jsonl").write_text("\n".join(lines))
    with Anvil() as chain:
        w3, deployer = connect(chain.rpc), chain.accounts[0]
        made = deploy_market(w3, deployer)
        world = World(chain, made.connect(w3), deploy_demo_token(w3, deployer), folder)
        planner = world.person("planner")
        world.person("alice")
        send(w3, deployer, erc20(w3, world.token).functions.mint(planner, 10**12))
        operators = [world.person(f"operator{n}") for n in range(3)]
        keys = folder / "opening.keys.json"
        assert mia("key", "create", folder / "planner.json", "--out", keys, *world.key("planner")[2:]).code == 0
        assert mia("key", "register", keys, *world.key("planner"), *world.here).code == 0
        for n in range(3):
            assert mia("oracle", "stake", *world.key(f"operator{n}"), *world.here).code == 0
        (folder / "terms.toml").write_text(_with_hashes(template()))
        members = [part for operator in operators for part in ("--operator", operator)]
        opened = mia(
            "round", "open", folder / "terms.toml", "--token", world.token, *members, *world.key("planner"), *world.here
        )
        assert opened.code == 0, opened.said
        assert opened.document["round"] == 1
        yield world


def _with_hashes(terms: str) -> str:
    """The default terms with a scoring specification that was published elsewhere."""
    for name in ("pipeline", "base_model", "validation_pool", "agreement"):
        terms = terms.replace(f'# {name} = "0x..."', f'{name} = "0x{"ab" * 32}"')
    return terms
