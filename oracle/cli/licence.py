"""``mia licence``: the text that data are licensed under, and the agreement that provider and planner both sign."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from oracle.cli.agreement import draft_of, publish, require_of_round, text_of
from oracle.cli.output import emit, facts, notes, styled
from oracle.cli.packing import read_file
from oracle.cli.session import (
    DEFAULT_RPC,
    DEFAULT_STORE,
    Contract,
    Json,
    Keystore,
    PasswordFile,
    Rpc,
    Session,
    Store,
    address_of,
    is_agreed,
    open_session,
    unlock,
)
from oracle.errors import BadInput, CheckFailed

if TYPE_CHECKING:
    from oracle.custody.store import ContentStore
    from oracle.evidence.licence import Agreement

licence = typer.Typer(name="licence", no_args_is_help=True, help="Licences: show, sign, verify.")

AgreementFile = Annotated[Path, typer.Argument(metavar="FILE", help="The agreement, a JSON file.")]
LicenceText = Annotated[Path | None, typer.Option("--licence", metavar="FILE", help="The licence's text.")]
Round = Annotated[int, typer.Option("--round", min=0, metavar="N", help="Compare with this round of the market.")]


@licence.command("show")
def show(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="A licence's text, or an agreement.", show_default=False)
    ] = None,
    round: Annotated[int, typer.Option("--round", min=0, metavar="N", help="The licence of this round.")] = 0,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """A licence's canonical text and its hash, or what an agreement says and who has signed it.

    [dim]Example:[/] mia licence show licence.txt
    [dim]         [/] mia licence show --round 1
    """
    from oracle.evidence.hidden import first_hidden
    from oracle.evidence.licence import Agreement, decode_text, licence_hash

    if (file is None) == (round == 0):
        raise BadInput("nothing to show", input="mia licence show", hint="Give a file, or --round N.")
    if file is None:
        session = open_session(rpc, contract, store)
        hashed = session.market.terms(round).agreement_hash
        text = text_of(session.store, hashed)
        if text is None:
            hint = "Ask the planner for the text, then: mia licence show FILE."
            raise CheckFailed("the licence's text is not in the store", input="0x" + hashed.hex(), hint=hint)
    else:
        data = read_file(file, "licence or agreement")
        if data.lstrip()[:1] == b"{":
            _show_agreement(Agreement.from_bytes(data, name=str(file)), json)
            return
        text = decode_text(data, name=str(file))
        hashed = licence_hash(text)
    hidden = first_hidden(text)
    if hidden is not None:
        warning = f"nobody should sign this: it holds what a reader does not see, first in {hidden}"
        notes().print(warning, style="bold red", soft_wrap=True)
    emit({"licence_hash": hashed, "text": text}, lambda console: _show_text(console, hashed, text), as_json=json)


@licence.command("sign")
def sign(
    file: AgreementFile,
    keystore: Keystore,
    password_file: PasswordFile = None,
    round: Round = 0,
    provider: Annotated[
        str, typer.Option("--provider", metavar="ADDRESS", help="Whose data; default: the keystore's own.")
    ] = "",
    revenue_share: Annotated[
        str, typer.Option("--revenue-share", metavar="X", help="Of the model's revenue, such as 0.05.")
    ] = "",
    expires: Annotated[
        str, typer.Option("--expires", metavar="DATE", help="Day from which the data may not be used any more (UTC).")
    ] = "",
    text: LicenceText = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without being asked, as scripts do.")] = False,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Sign an agreement (EIP-712): a new one for a round of a market, or the one in FILE that the other has signed.

    All of it is shown first, the licence's text included, and asked about. With --round it is compared with what the
    chain says, and published for the round's planner and providers.

    [dim]Example:[/] mia licence sign agreement.json --round 1 --revenue-share 0.05 --keystore alice.json
    [dim]         [/] mia licence sign agreement.json --round 1 --keystore planner.json
    """
    from oracle.custody.files import write_atomic
    from oracle.custody.store import open_store

    new = not file.exists()
    if new and not (round and revenue_share):
        hint = "Give --round N and --revenue-share X to write a new one."
        raise BadInput(f"there is no agreement {file}", input=str(file), hint=hint)
    if not new and (provider or revenue_share or expires):
        hint = "Leave out --provider, --revenue-share and --expires, or name a new file."
        raise BadInput(f"{file} is an agreement already: its words stand", input=str(file), hint=hint)
    share, expiry = _share(revenue_share) if new else 0, _day(expires)
    if not yes and not (sys.stdin.isatty() and sys.stderr.isatty()):
        hint = "Run it in a terminal, or read what is signed (mia licence show) and give --yes."
        raise BadInput("nobody is there to be shown what is signed", input="mia licence sign", hint=hint)
    session = open_session(rpc, contract, store) if round else None
    draft = None if new else _agreement(file)
    if draft and session:
        require_of_round(draft, session, round)
    account = unlock(keystore, password_file)
    if draft is None:
        assert session is not None  # there is a round: seen above
        draft = draft_of(session, round, address_of(provider) if provider else account.address, share, expiry)
    for role in draft.roles():
        if role not in (*draft.missing(), *draft.parts_of(account.address)):
            draft.check_signature(role)
    words = _words(draft, text, session.store if session else open_store(store))
    _show_before(draft, account.address, words)
    if not yes and not is_agreed("Sign this?"):
        raise typer.Abort
    signed = draft.signed(account)
    write_atomic(file, signed.to_bytes())
    if session:
        publish(session, signed)
    _show_agreement(signed, json)


@licence.command("verify")
def verify(
    file: AgreementFile,
    text: LicenceText = None,
    round: Round = 0,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Check an agreement: both signatures, its time, and what is given of the licence's text and the round on chain.

    Exit code 1, and the first check that fails by name, when anything is wrong.

    [dim]Example:[/] mia licence verify agreement.json --licence licence.txt --round 1
    """
    agreement = _agreement(file)
    session = open_session(rpc, contract, store) if round else None
    known = read_file(text, "licence") if text else None
    checks: list[dict[str, Any]] = []

    def check(stage: str, work: Any) -> None:
        try:
            work()
        except CheckFailed as error:
            checks.append({"stage": stage, "ok": False, "detail": str(error)})
        else:
            checks.append({"stage": stage, "ok": True, "detail": ""})

    for role in agreement.roles():
        check(f"{role}'s signature", lambda role=role: agreement.check_signature(role))
    check("time", lambda: agreement.check_time(_now(session)))
    if known is not None:
        check("licence text", lambda: _require_text(agreement, known, str(text)))
    if session is not None:
        check("round", lambda: require_of_round(agreement, session, round))
    bad = next((done["stage"] for done in checks if not done["ok"]), None)

    def view(console: Console) -> None:
        for done in checks:
            mark = ("✓", "green") if done["ok"] else ("✗", "red")
            console.print(styled(mark, f" {done['stage']}", (f"  {done['detail']}", "dim")))

    emit({"ok": bad is None, "first_bad": bad, "checks": checks}, view, as_json=json)
    if bad:
        raise typer.Exit(1)


# --- inside ---


def _agreement(file: Path) -> Agreement:
    from oracle.evidence.licence import Agreement

    return Agreement.from_bytes(read_file(file, "agreement"), name=str(file))


def _require_text(agreement: Agreement, data: bytes, name: str) -> str:
    from oracle.evidence.licence import licence_hash, read_text

    text = read_text(data, name=name)
    found = licence_hash(text)
    if found != agreement.licence_hash:
        message = f"{name} hashes to 0x{found.hex()}, the agreement names 0x{agreement.licence_hash.hex()}"
        raise CheckFailed(message, input=name, hint="ask the planner for the text that was agreed")
    return text


def _words(agreement: Agreement, file: Path | None, store: ContentStore) -> str | None:
    """The text that the agreement names, from its file or else the store; None where neither has it.

    Raises BadInput for text that nobody should sign.
    """
    from oracle.evidence.licence import read_text

    if file is not None:
        return _require_text(agreement, read_file(file, "licence"), str(file))
    found = text_of(store, agreement.licence_hash)
    return None if found is None else read_text(found.encode(), name="the licence in the store")


def _show_before(agreement: Agreement, signer: str, text: str | None) -> None:
    """To stderr, whatever goes to stdout: all that is about to be signed."""
    console = notes()
    if text is not None:
        _show_text(console, agreement.licence_hash, text)
        console.print()
    elif any(agreement.licence_hash):
        console.print("the licence's text is not in the store: --licence FILE shows it", style="yellow")
    facts(_rows(agreement) | {"you sign as": " and ".join(agreement.parts_of(signer))})(console)


def _now(session: Session | None) -> int:
    return int(session.w3.eth.get_block("latest")["timestamp"]) if session else int(time.time())


def _share(text: str) -> int:
    from oracle.chain.units import parse_number, scaled
    from oracle.evidence.licence import WAD

    try:
        share = scaled(parse_number(text), 18)
        if share is not None and share <= WAD:
            return share
    except ValueError:
        pass
    hint = "Write a fraction from 0 to 1 with at most 18 decimals, such as 0.05."
    raise BadInput("not a share of the revenue", input=text, hint=hint)


def _day(text: str) -> int:
    """Unix seconds; 0 for never."""
    if not text:
        return 0
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise BadInput("not a day", input=text, hint="Write YYYY-MM-DD.") from error


def _show_text(console: Console, hashed: bytes, text: str) -> None:
    console.print(styled(("licence", "dim"), f" 0x{hashed.hex()}\n"))
    console.print(text, soft_wrap=True, end="")


def _show_agreement(agreement: Agreement, json: bool) -> None:
    document = agreement.model_dump(mode="json") | {"digest": agreement.digest(), "missing": agreement.missing()}
    emit(document, facts(_rows(agreement)), as_json=json)


def _rows(agreement: Agreement) -> dict[str, str]:
    """The agreement as people write it; every digit of the share, since every digit is signed."""
    from oracle.chain.terms import ERA

    ends = "never"
    if agreement.expiry:
        late = agreement.expiry >= ERA
        ends = "after the year 9999" if late else datetime.fromtimestamp(agreement.expiry, UTC).isoformat(" ")
    return {
        "round": f"{agreement.round} of {agreement.market} on chain {agreement.chain_id}",
        "provider": agreement.provider,
        "planner": agreement.planner,
        "data set": "0x" + agreement.dataset_root.hex(),
        "licence": "0x" + agreement.licence_hash.hex() if any(agreement.licence_hash) else "none",
        "revenue share": f"{_percent(agreement.revenue_share)} % of the model's revenue",
        "ends": ends,
        "signed by": ", ".join(role for role in agreement.roles() if role not in agreement.missing()) or "nobody",
    }


def _percent(share: int) -> str:
    """A share in WAD, exactly: 50000000000000000 is 5."""
    whole, rest = divmod(share, 10**16)
    return f"{whole}.{rest:016d}".rstrip("0").rstrip(".")
