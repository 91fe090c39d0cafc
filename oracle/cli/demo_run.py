"""One run of ``mia demo``: what it is made of, and what its stages leave for those after them."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oracle.cli.opening import Specification
from oracle.cli.output import ProgressCallback, say_plainly
from oracle.cli.session import Session

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from oracle.chain.devnet import Anvil
    from oracle.chain.token import Token
    from oracle.influence.base import BaseModel
    from oracle.influence.pretrain import BaseSpec
    from oracle.influence.spec import InfluenceSpec
    from oracle.lab.market import DemoMarket

ROUND = 1
PASSWORD = "demo"  # of keys that hold play money on a chain that ends with the program
SCRYPT_WORK = 2**12  # for the same reason
_PROGRESS_LINE = re.compile(r"(.+) (\d+)/(\d+)")


@dataclass(frozen=True)
class Settings:
    """What a run is made of. Without a market, the texts of installed packages and a run short enough to watch."""

    market: Path | None = None
    sample: int | None = None
    base: BaseSpec | None = None
    influence: InfluenceSpec | None = None
    validation_sample: int = 40
    operators: int = 3
    asked: float = 1.15  # all bids together, in reward budgets: above 1 the budget binds
    seed: int = 20_26


@dataclass
class Run:
    """One demo under way. Fields below the line are filled in by the stages, in their order."""

    out: Path
    settings: Settings
    closing: ExitStack
    # ---
    chain: Anvil = field(init=False)
    market: DemoMarket = field(init=False)
    accounts: dict[str, LocalAccount] = field(default_factory=dict)
    session: Session = field(init=False)
    token: Token = field(init=False)
    base: BaseModel = field(init=False)
    specification: Specification = field(init=False)
    bids: dict[str, Path] = field(default_factory=dict)
    audit: dict[str, Any] | None = None
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def providers(self) -> list[str]:
        return [name for name, _, _ in self.market.providers]

    @property
    def operators(self) -> list[str]:
        return [f"oracle-{number}" for number in range(1, self.settings.operators + 1)]

    @property
    def evidence(self) -> Path:
        return self.out / "evidence"

    @property
    def store(self) -> str:
        return f"local:{self.evidence}"

    @property
    def password_file(self) -> Path:
        return self.out / "keystores" / "password.txt"

    def keystore(self, name: str) -> Path:
        return self.out / "keystores" / f"{name}.json"

    def planner(self) -> LocalAccount:
        return self.accounts["planner"]

    def names(self) -> dict[str, str]:
        return {account.address: name for name, account in self.accounts.items()}


def pass_on(tell: ProgressCallback, name: str, line: str) -> None:
    """A child's progress becomes this run's; anything else it says is shown as it is."""
    found = _PROGRESS_LINE.fullmatch(line)
    if found:
        tell(f"{name}: {found[1]}", int(found[2]), int(found[3]))
    elif line.strip():
        say_plainly(f"{name}: {line}\n")
