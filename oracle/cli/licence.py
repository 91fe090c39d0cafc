"""``mia licence``: the text that data are licensed under, and the agreement that provider and planner both sign."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from oracle.cli.agreement import draft_of, publish, require_of_round, text_of
from oracle.cli.output import emit, facts
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
    open_session,
    unlock,
)
from oracle.errors import BadInput, CheckFailed

if TYPE_CHECKING:
    from oracle.evidence.licence import Agreement

licence = typer.Typer(name="licence", no_args_is_help=True, help="Licences: show, sign, verify.")

MAX_FILE = 1 << 20
ERA = 253_402_300_800  # 10000-01-01, unix seconds
AgreementFile = Annotated[Path, typer.Argument(metavar="FILE", help="The agreement, a JSON file.")]
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
    from oracle.evidence.licence import Agreement, licence_hash, read_text

    if (file is None) == (round == 0):
        raise BadInput("nothing to show", input="mia licence show", hint="Give a file, or --round N.")
    if file is None:
        session = open_session(rpc, contract, store)
        hashed = session.market.terms(round).agreement_hash
        text = text_of(session, hashed)
        if text is None:
            hint = "Ask the planner for the text, then: mia licence show FILE."
            raise CheckFailed("the licence's text is not in the store", input="0x" + hashed.hex(), hint=hint)
    else:
        data = _read(file)
        if data.lstrip()[:1] == b"{":
            _show_agreement(Agreement.from_bytes(data, name=str(file)), json)
            return
        text = read_text(data, name=str(file))
        hashed = licence_hash(text)
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
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Sign an agreement (EIP-712): a new one for a round of a market, or the one in FILE that the other has signed.

    With --round it is compared with what the chain says and published for the round's planner and providers.

    [dim]Example:[/] mia licence sign agreement.json --round 1 --revenue-share 0.05 --keystore alice.json
    [dim]         [/] mia licence sign agreement.json --round 1 --keystore planner.json
    """
    from oracle.custody.files import write_atomic
    from oracle.evidence.licence import Agreement

    new = not file.exists()
    if new and not (round and revenue_share):
        hint = "Give --round N and --revenue-share X to write a new one."
        raise BadInput(f"there is no agreement {file}", input=str(file), hint=hint)
    if not new and (provider or revenue_share or expires):
        hint = "Leave out --provider, --revenue-share and --expires, or name a new file."
        raise BadInput(f"{file} is an agreement already: its words stand", input=str(file), hint=hint)
    share, expiry = _share(revenue_share) if new else 0, _day(expires)
    session = open_session(rpc, contract, store) if round else None
    draft = None if new else Agreement.from_bytes(_read(file), name=str(file))
    if draft and session:
        require_of_round(draft, session, round)
    account = unlock(keystore, password_file)
    if draft is None:
        assert session is not None  # there is a round: seen above
        draft = draft_of(session, round, address_of(provider) if provider else account.address, share, expiry)
    signed = draft.signed(account)
    for role in signed.roles():
        if role not in signed.missing():
            signed.check_signature(role)
    write_atomic(file, signed.to_bytes())
    if session:
        publish(session, signed)
    _show_agreement(signed, json)


@licence.command("verify")
def verify(
    file: AgreementFile,
    text: Annotated[Path | None, typer.Option("--licence", metavar="FILE", help="The licence's text.")] = None,
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
    from oracle.evidence.licence import Agreement

    agreement = Agreement.from_bytes(_read(file), name=str(file))
    session = open_session(rpc, contract, store) if round else None
    known = _read(text) if text else None
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
            mark = "[green]✓[/]" if done["ok"] else "[red]✗[/]"
            console.print(f"{mark} {done['stage']}[dim]  {escape(done['detail'])}[/]")

    emit({"ok": bad is None, "first_bad": bad, "checks": checks}, view, as_json=json)
    if bad:
        raise typer.Exit(1)


# --- inside ---


def _require_text(agreement: Agreement, data: bytes, name: str) -> None:
    from oracle.evidence.licence import licence_hash, read_text

    found = licence_hash(read_text(data, name=name))
    if found != agreement.licence_hash:
        message = f"{name} hashes to 0x{found.hex()}, the agreement names 0x{agreement.licence_hash.hex()}"
        raise CheckFailed(message, input=name, hint="ask the planner for the text that was agreed")


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


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            data = source.read(MAX_FILE + 1)
    except OSError as error:
        raise BadInput(
            f"cannot read {file}: {error.strerror}", input=str(file), hint="Give a readable file."
        ) from error
    if len(data) > MAX_FILE:
        raise BadInput(f"{file} is above {MAX_FILE} bytes", input=str(file), hint="Give a licence or an agreement.")
    return data


def _show_text(console: Console, hashed: bytes, text: str) -> None:
    console.print(f"[dim]licence[/] 0x{hashed.hex()}\n")
    console.print(escape(text), soft_wrap=True, end="")


def _show_agreement(agreement: Agreement, json: bool) -> None:
    document = agreement.model_dump(mode="json") | {"digest": agreement.digest(), "missing": agreement.missing()}
    ends = "never"
    if agreement.expiry:
        late = agreement.expiry >= ERA
        ends = "after the year 9999" if late else datetime.fromtimestamp(agreement.expiry, UTC).isoformat()
    rows = {
        "round": f"{agreement.round} of {agreement.market} on chain {agreement.chain_id}",
        "provider": agreement.provider,
        "planner": agreement.planner,
        "data set": document["dataset_root"],
        "licence": document["licence_hash"],
        "revenue share": f"{agreement.revenue_share / 10**18:.6%}",
        "ends": ends,
        "signed by": ", ".join(role for role in agreement.roles() if role not in agreement.missing()) or "nobody",
    }
    emit(document, facts(rows), as_json=json)
