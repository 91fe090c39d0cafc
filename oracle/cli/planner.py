"""The planner's commands: deploy a market, write terms, open a round, see it through to its settlement."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oracle.cli.opening import DEFAULT_SAMPLE, Specification, Texts, open_round, publish_specification
from oracle.cli.output import emit, facts, notes, progress
from oracle.cli.session import (
    DEFAULT_RPC,
    DEFAULT_STORE,
    Contract,
    Json,
    Keystore,
    PasswordFile,
    RoundNumber,
    Rpc,
    Session,
    Store,
    address_of,
    open_session,
    send,
    unlock,
)
from oracle.errors import BadInput

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from oracle.influence.base import BaseModel
    from oracle.quality.spec import QualitySpec

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
    tranche_language: Annotated[
        list[str] | None,
        typer.Option(
            "--tranche-language", metavar="CODE", help="Its texts belong to the diversity tranche; repeat it."
        ),
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
    from oracle.quality.spec import with_options

    wanted = load_terms(terms_file)
    quality = with_options(profile, quality_option or [])
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
    licence = _bytes(agreement)
    members = [address_of(text) for text in operator or []]
    session = open_session(rpc, contract, store)
    account = unlock(keystore, password_file)
    with progress() as tell:
        specification = _specify(
            session, account, seed_corpus, validation, reference, base_model, quality, sample, languages, tell
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
    from oracle.corpus.readers import read_documents

    session = open_session(rpc, contract, store)
    shown = draw_sample(session, round, list(read_documents(validation)))
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


# --- what the commands and the demo share ---


def draw_sample(session: Session, round: int, pool: list[Any]) -> int:
    """Open the drawn documents of the validation pool on the board; how many."""
    from oracle.node import pipeline, validation

    size = pipeline.load(session.store, session.market.terms(round).pipeline_hash).validation
    return len(validation.open_sample(session.market, round, pool, size, session.board).documents)


def settle_round(session: Session, account: LocalAccount, round: int, batch: int) -> dict[str, Any]:
    """Clear the opened bids in the order of reveals and propose the certificates, the tranche's first.

    Weights and money as strings; ``winning_weight`` and ``marginal`` are the main auction's.
    """
    from oracle.audit.auctions import clear_round
    from oracle.chain.settlement import settle_auction
    from oracle.chain.terms import Phase

    market = session.market
    market.require_phase(round, Phase.SETTLE)
    opened = market.reveals(round)
    auctions = clear_round(market.terms(round), opened)
    transactions = [
        "0x" + receipt["transactionHash"].hex()
        for auction in reversed(auctions)  # the tranche first: what it leaves is the main auction's
        for receipt in settle_auction(
            market, account, round, auction.group, auction.bids, auction.outcome.certificate, batch=batch
        )
    ]
    weight, marginal = auctions[0].outcome.certificate
    main = [reveal for reveal in opened if reveal.group == 0]
    return {
        "round": round,
        "bids": len(opened),
        "winners": sum(len(auction.outcome.winners) for auction in auctions),
        "winning_weight": str(weight),
        "marginal": None if marginal is None else main[marginal].provider,
        "total_reward": str(sum(auction.outcome.total_reward for auction in auctions)),
        "transactions": transactions,
    }


def round_status(session: Session, round: int) -> dict[str, Any]:
    """Everything a planner asks of a running round; times in ISO 8601, money units and weights as strings."""
    market = session.market
    frozen, state = market.terms(round), market.state(round)
    settled = market.settlements(round) if state.settled else ()
    deadlines = ("commit", "observe", "report", "challenge", "reveal", "settle")
    return {
        "round": round,
        "market": market.address,
        "chain_id": market.chain_id,
        "phase": market.phase(round).name.lower(),
        "planner": frozen.planner,
        "terms_hash": frozen.hash(),
        "deadlines": {
            name: datetime.fromtimestamp(getattr(frozen, f"{name}_end"), UTC).isoformat() for name in deadlines
        },
        "bids": state.bonded,
        "observations": len(market.observations(round)),
        "reported": market.report(round) is not None,
        "revealed": state.revealed,
        "winning_weight": str(sum(one.winning_weight for one in settled)) if settled else None,
        "total_reward": str(state.total_reward) if settled else None,
        "claimed": len(market.claims(round)),
    }


def _specify(
    session: Session,
    account: LocalAccount,
    seed_corpus: Path | None,
    validation: Path | None,
    reference: Path | None,
    base_model: Path | None,
    quality: QualitySpec,
    sample: int,
    languages: list[str],
    tell: Any,
) -> Specification | None:
    """None when no texts are given: then the terms name the hashes of a specification published before."""
    from oracle.corpus.readers import read_documents

    if seed_corpus is None and validation is None:
        return None
    if seed_corpus is None or validation is None:
        raise BadInput(
            "a scoring specification needs both the public and the hidden text",
            input="--validation" if validation is None else "--seed-corpus",
            hint="Give both, or neither when the terms name the specification's hashes.",
        )
    from oracle.influence.inrun import InfluenceSpec

    known = list(read_documents(reference)) if reference else None
    texts = Texts(list(read_documents(seed_corpus)), list(read_documents(validation)), known)
    base = _base_model(base_model, texts, tell)
    return publish_specification(
        session,
        account.address,
        texts,
        base=base,
        influence=InfluenceSpec(),
        quality=quality,
        sample=sample,
        tranche_languages=languages,
        progress=tell,
    )


def _language(code: str) -> str:
    if len(code) == 2 and code.isascii() and code.isalpha() and code.islower():
        return code
    raise BadInput("not a language code", input=code, hint="Two lower-case letters of ISO 639-1, such as sw or fi.")


def _base_model(path: Path | None, texts: Texts, tell: Any) -> BaseModel:
    from oracle.influence.base import BaseSpec, load_base, train_base

    if path is not None and path.exists():
        return load_base(path)
    base = train_base([document.text for document in texts.seed], BaseSpec(), progress=tell)
    if path is not None:
        base.save(path)
        notes().print(f"base model kept in {path}")
    return base


def _bytes(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"cannot read {path}: {error.strerror}", input=str(path), hint="Give a readable file."
        ) from error
