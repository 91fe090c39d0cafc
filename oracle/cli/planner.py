"""The planner's commands: deploy a market, write terms, open a round, see it through to its settlement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oracle.cli.corpora import read_documents
from oracle.cli.opening import DEFAULT_SAMPLE, open_round, specify
from oracle.cli.output import emit, facts, notes, progress
from oracle.cli.running import draw_sample, round_status, settle_round
from oracle.cli.session import (
    DEFAULT_RPC,
    DEFAULT_STORE,
    Contract,
    Json,
    Keystore,
    PasswordFile,
    RoundNumber,
    Rpc,
    Store,
    address_of,
    open_session,
    send,
    unlock,
)
from oracle.errors import BadInput

rounds = typer.Typer(name="round", no_args_is_help=True, help="Rounds: open, draw, status, settle, refund, void.")


def deploy(
    keystore: Keystore,
    demo_token: Annotated[
        bool, typer.Option("--demo-token", help="Also a payment token that anybody can mint.")
    ] = False,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    json: Json = False,
) -> None:
    """Put a market on any chain: OracleCommittee and DataMarket, which makes its own tokens. Nobody owns them.

    [dim]Example:[/] mia deploy --rpc http://127.0.0.1:8545 --keystore planner.json --demo-token
    """
    from oracle.chain.client import connect
    from oracle.chain.deploy import deploy_demo_token, deploy_market

    w3 = connect(rpc)
    account = unlock(keystore, password_file)
    made = deploy_market(w3, account)
    token = deploy_demo_token(w3, account) if demo_token else None
    document = {
        "chain_id": made.chain_id,
        "market": made.market,
        "committee": made.committee,
        "shares": made.shares,
        "block": made.block,
        "demo_token": token,
    }
    shown = {key: value for key, value in document.items() if value is not None}
    emit(document, facts(shown | {"next": f"export MIA_CONTRACT={made.market}"}), as_json=json)


def terms(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there; must not exist.")] = None,
    json: Json = False,
) -> None:
    """Print the commented TOML file of a round's terms, with defaults that work and every unit spelled out.

    [dim]Example:[/] mia terms --out terms.toml
    """
    from oracle.chain.terms_file import template
    from oracle.custody.files import write_atomic

    text = template()
    if out is not None:
        if out.exists():
            raise BadInput("the file exists already", input=str(out), hint="Choose another name.")
        write_atomic(out, text.encode())
    document = {"terms": text, "file": str(out) if out else None}
    emit(document, lambda console: console.out(f"written to {out}" if out else text, end=""), as_json=json)


@rounds.command("open")
def open_(
    terms_file: Annotated[Path, typer.Argument(metavar="TERMS.toml", help="The terms; see `mia terms`.")],
    keystore: Keystore,
    token: Annotated[
        str, typer.Option("--token", metavar="ADDRESS", help="Payment token, unless the terms name it.")
    ] = "",
    operator: Annotated[
        list[str] | None, typer.Option("--operator", metavar="ADDRESS", help="A member of the committee; repeat it.")
    ] = None,
    quorum: Annotated[int, typer.Option(min=0, metavar="N", help="Signatures a report needs; default: above 2/3.")] = 0,
    seed_corpus: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Public text the base model is trained on.")
    ] = None,
    validation: Annotated[Path | None, typer.Option(metavar="PATH", help="Hidden text of the target domain.")] = None,
    reference: Annotated[Path | None, typer.Option(metavar="PATH", help="Text that is nothing new.")] = None,
    base_model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A trained base model; default: train one.")
    ] = None,
    agreement: Annotated[Path | None, typer.Option(metavar="FILE", help="The data licence.")] = None,
    profile: Annotated[str, typer.Option(metavar="robust|paper", help="Scoring profile.")] = "robust",
    quality_option: Annotated[
        list[str] | None,
        typer.Option("--quality-option", metavar="NAME=N", help="A choice of the quality profile, such as w1=40."),
    ] = None,
    sample: Annotated[int, typer.Option(min=1, metavar="N", help="Validation documents drawn.")] = DEFAULT_SAMPLE,
    max_bytes: Annotated[
        int, typer.Option(min=1, max=1 << 36, metavar="N", help="Bytes that operators read of one bid.")
    ] = 1 << 30,
    max_documents: Annotated[
        int, typer.Option(min=1, max=1 << 32, metavar="N", help="Documents that operators read of one bid.")
    ] = 1 << 20,
    tranche_language: Annotated[
        list[str] | None,
        typer.Option(
            "--tranche-language", metavar="CODE", help="Its texts belong to the diversity tranche; repeat it."
        ),
    ] = None,
    auditor: Annotated[
        list[str] | None,
        typer.Option("--auditor", metavar="ADDRESS", help="May open the texts to score again; repeat it."),
    ] = None,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Open a round: publish the scoring specification, escrow the budget, freeze the terms.

    [dim]Example:[/] mia round open terms.toml --token 0x.. --operator 0x.. --operator 0x.. --operator 0x.. \\
    --seed-corpus seed.jsonl.gz --validation hidden.jsonl.gz --agreement licence.txt --keystore planner.json
    """
    from oracle.chain.terms_file import load_terms
    from oracle.node.bid_limits import BidLimits
    from oracle.quality.spec import with_options

    wanted = load_terms(terms_file)
    quality = with_options(profile, ["vectors=audited", *(quality_option or [])])
    languages = [_language(code) for code in tranche_language or []]
    if bool(languages) != bool(wanted.content.bids.tranche) and (seed_corpus or languages):
        raise BadInput(
            "a tranche needs both a share of the budget and the languages that belong to it",
            input=f"{terms_file}: bids.tranche" if languages else "--tranche-language",
            hint="Set bids.tranche above 0 and name at least one --tranche-language, or neither.",
        )
    paid_in = token or wanted.token
    if paid_in is None:
        raise BadInput("no payment token", input=f"{terms_file}: money.token", hint="Name it there or with --token.")
    licence = _licence(agreement)
    members = [address_of(text) for text in operator or []]
    auditors = [address_of(text) for text in auditor or []]
    session = open_session(rpc, contract, store)
    account = unlock(keystore, password_file)
    with progress() as tell:
        specification = specify(
            session,
            account,
            seed_corpus,
            validation,
            reference,
            base_model,
            quality,
            sample,
            BidLimits(bytes=max_bytes, documents=max_documents),
            languages,
            auditors,
            tell,
        )
    number = open_round(
        session,
        account,
        wanted,
        token=paid_in,
        operators=members,
        quorum=quorum or len(members) * 2 // 3 + 1,
        specification=specification,
        agreement=licence,
    )
    document = round_status(session, number)
    emit(
        document,
        facts({f"round {number}": "open for sealed bids", "until": document["deadlines"]["commit"]}),
        as_json=json,
    )


@rounds.command("draw")
def draw(
    round: RoundNumber,
    validation: Annotated[Path, typer.Option(metavar="PATH", help="The very texts the round was opened with.")],
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """After the commit phase: show the validation documents that the chain drew, each with its proof.

    [dim]Example:[/] mia round draw 1 --validation hidden.jsonl.gz
    """
    session = open_session(rpc, contract, store)
    shown = draw_sample(session, round, list(read_documents(validation, None)))
    emit(
        {"round": round, "documents": shown},
        facts({f"round {round}": f"{shown} documents drawn and shown"}),
        as_json=json,
    )


@rounds.command("status")
def status(
    round: RoundNumber,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Where a round stands: phase, deadlines, bids, report, certificate.

    [dim]Example:[/] mia round status 1
    """
    session = open_session(rpc, contract, store)
    document = round_status(session, round)
    flat = {key: value for key, value in document.items() if not isinstance(value, dict)}
    emit(document, facts(flat | {f"{name} ends": when for name, when in document["deadlines"].items()}), as_json=json)


@rounds.command("settle")
def settle(
    round: RoundNumber,
    keystore: Keystore,
    batch: Annotated[int, typer.Option(min=1, max=25_000, metavar="N", help="Bids in one transaction.")] = 25_000,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Compute the certificate from the opened bids and settle the round, the tranche's auction first. Anybody may.

    A pass that was interrupted goes on where it stood.

    [dim]Example:[/] mia round settle 1 --keystore planner.json --batch 5000
    """
    session = open_session(rpc, contract, store)
    document = settle_round(session, unlock(keystore, password_file), round, batch)
    emit(document, facts(document), as_json=json)


@rounds.command("refund")
def refund(
    round: RoundNumber,
    keystore: Keystore,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Send the planner what a round does not need any more. It goes to the planner, whoever sends it.

    [dim]Example:[/] mia round refund 1 --keystore planner.json
    """
    session = open_session(rpc, contract, store)
    account = unlock(keystore, password_file)
    transaction = send(session, account, session.market.contract.functions.refund(round))
    paid = session.market.refunds(round)
    document = {
        "round": round,
        "amount": str(sum(line.amount for line in paid)),
        "units": str(sum(line.units for line in paid)),
        "transaction": transaction,
    }
    emit(document, facts(document), as_json=json)


@rounds.command("void")
def void(
    round: RoundNumber,
    keystore: Keystore,
    password_file: PasswordFile = None,
    rpc: Rpc = DEFAULT_RPC,
    contract: Contract = "",
    store: Store = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Put on record that a round without report or settlement is void. Escrow and bonds can be pulled without it too.

    [dim]Example:[/] mia round void 1 --keystore planner.json
    """
    session = open_session(rpc, contract, store)
    account = unlock(keystore, password_file)
    transaction = send(session, account, session.market.contract.functions.voidRound(round))
    emit({"round": round, "transaction": transaction}, facts({f"round {round}": "void"}), as_json=json)


def _language(code: str) -> str:
    """A language of the tranche, as it is given: it is compared with the languages found by what its code means."""
    from oracle.quality.languages import is_told_apart

    if not is_told_apart(code):
        notes().print(f"--tranche-language {code}: texts in it are taken for English, for want of a word list")
    return code


def _licence(path: Path | None) -> bytes | None:
    """The text that every bid of the round will be bound to; looked at before anything is sent."""
    from oracle.cli.packing import read_file
    from oracle.evidence.licence import read_text

    return None if path is None else read_text(read_file(path, "licence"), name=str(path)).encode()
