"""The stages of ``mia demo``: one function each, in the order of a round's life, all with the clients' own code.

Every stage takes the run and a progress callback and returns one line about what it did. What later stages need is
kept in the run; what users need afterwards lies in its folder.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from oracle.cli.bidding import claim_for, commit_bid, reveal_bid
from oracle.cli.children import Child, preload, run_together
from oracle.cli.delivery_stages import deliver_keys, fetch_texts, open_deliveries, wrap_keys
from oracle.cli.demo_run import PASSWORD, ROUND, SCRYPT_WORK, Run, pass_on
from oracle.cli.document import round_document
from oracle.cli.handover import register_keys
from oracle.cli.opening import Texts, open_round, publish_specification
from oracle.cli.output import ProgressCallback
from oracle.cli.revenue import deposit_revenue, withdraw_revenue
from oracle.cli.running import draw_sample, settle_round
from oracle.cli.session import open_session, send
from oracle.errors import CheckFailed

LICENCE = (
    b"Demo licence: the buyer may train language models on the texts it bought, and owes their providers the MUT.\n"
)
PLANNER_TOKENS = 100_000  # whole tokens minted to the planner
REVENUE_SHARE = 5  # the planner pays a fifth of the reward budget as revenue
BASE_TOKENS = 310_000  # of the default market's seed: less than a real round's, so that all is over in three minutes
SAMPLED, REFERENCE_SAMPLED = 32, 80  # sentences that are embedded: likewise
QUOTA, WATCHED = 6_000, 32  # tokens of each provider, validation sequences: likewise, two cores play four scorers
SPREAD = 0.6  # sigma of the log-normal cost per token
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
# glibc: give freed memory back. It costs a fifth of the time, and small texts do not need it.
LEAN = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072"}


Stage = Callable[[Run, ProgressCallback], str]


def start_chain(run: Run, tell: ProgressCallback) -> str:
    """Anvil on a free port; it ends with the run, as does the server that oracles and auditor will be forked from."""
    from oracle.chain.devnet import Anvil

    preload(ONE_THREAD | (LEAN if run.settings.market else {}))
    run.chain = run.closing.enter_context(Anvil(funded=1))
    return f"anvil at {run.chain.rpc}"


def gather_texts(run: Run, tell: ProgressCallback) -> str:
    """The market in the given folder, or the one every machine has: documentation inside installed packages."""
    from oracle.lab.market import load_market
    from oracle.lab.package_docs import build_market

    folder = run.settings.market
    if folder is None:
        folder = run.out / "market"
        build_market(folder)
    run.market = load_market(folder, run.settings.sample)
    documents = sum(len(texts) for _, _, texts in run.market.providers)
    return f"{len(run.market.providers)} providers, {documents} documents"


def make_keys(run: Run, tell: ProgressCallback) -> str:
    """A keystore for everybody, each with ether for gas, bonds and stakes, and a key file for those who open texts."""
    from oracle.chain.keys import create_keystore
    from oracle.custody.files import write_atomic
    from oracle.custody.keystore import beside, create_keys

    write_atomic(run.password_file, PASSWORD.encode() + b"\n", private=True)
    names = ["planner", "auditor", *run.operators, *run.providers]
    for done, name in enumerate(names, start=1):
        account = create_keystore(run.keystore(name), PASSWORD, work=SCRYPT_WORK)
        run.chain.request("anvil_setBalance", account.address, hex(100 * 10**18))
        run.accounts[name] = account
        if name not in run.providers:
            create_keys(beside(run.keystore(name)), account.address, PASSWORD, work=SCRYPT_WORK)
        tell("keys", done, len(names))
    return f"{len(names)} keystores"


def deploy_contracts(run: Run, tell: ProgressCallback) -> str:
    """OracleCommittee, DataMarket, KeyExchange and a demo token out of the packaged bytecode; operators stake, and
    whoever opens texts registers its keys."""
    from oracle.chain.client import connect
    from oracle.chain.deploy import deploy_demo_token, deploy_market
    from oracle.chain.token import erc20, read_token
    from oracle.custody.keystore import beside, load_keys

    w3, planner = connect(run.chain.rpc), run.planner()
    made = deploy_market(w3, planner)
    run.session = open_session(run.chain.rpc, made.market, run.store)
    run.token = read_token(w3, deploy_demo_token(w3, planner))
    minted = PLANNER_TOKENS * 10**run.token.decimals
    send(run.session, planner, erc20(w3, run.token.address).functions.mint(planner.address, minted))
    committee = run.session.market.committee.functions
    for name in run.operators:
        operator = run.accounts[name]
        send(run.session, operator, committee.stake(operator.address), value=committee.MIN_STAKE().call())
    for name in ["planner", "auditor", *run.operators]:
        register_keys(run.session, run.accounts[name], load_keys(beside(run.keystore(name)), PASSWORD))
    return f"market {made.market}"


def train_base_model(run: Run, tell: ProgressCallback) -> str:
    """The language model every oracle starts from, trained once on the public seed corpus."""
    from oracle.influence.pretrain import BaseSpec, train_base

    short = BaseSpec(tokens=BASE_TOKENS, sequences=4, learning_rate=2e-3, embedding_rate=6e-3)  # more steps, smaller
    spec = run.settings.base or (short if run.settings.market is None else BaseSpec())
    run.base = train_base([document.text for document in run.market.seed], spec, progress=tell)
    return f"{run.base.parameters / 1e6:.2f} M parameters, {spec.tokens:,} tokens, sha256 {run.base.digest[:12]}…"


def publish_scoring(run: Run, tell: ProgressCallback) -> str:
    """The scoring specification with its reference gain; the validation pool stays hidden behind its root."""
    from oracle.influence.spec import InfluenceSpec
    from oracle.quality.spec import QualitySpec

    short = InfluenceSpec(quota=QUOTA, repeats=1, validation_sequences=WATCHED, iterations=8)
    default = short if run.settings.market is None else InfluenceSpec()
    quality = QualitySpec(vectors="audited")
    if run.settings.market is None:
        quality = replace(quality, sample=SAMPLED, reference_sample=REFERENCE_SAMPLED)
    run.specification = publish_specification(
        run.session,
        run.planner().address,
        Texts(run.market.seed, run.market.validation, run.market.reference),
        base=run.base,
        influence=run.settings.influence or default,
        quality=quality,
        sample=run.settings.validation_sample,
        auditors=[run.accounts["auditor"].address],
        progress=tell,
    )
    run.market = replace(run.market, seed=(), reference=())
    return f"specification {run.specification.pipeline.hex()[:12]}…"


def open_the_round(run: Run, tell: ProgressCallback) -> str:
    """The default terms, frozen and escrowed."""
    from oracle.chain.terms_file import load_terms

    members = [run.accounts[name].address for name in run.operators]
    open_round(
        run.session,
        run.planner(),
        load_terms(),
        token=run.token.address,
        operators=members,
        quorum=len(members) * 2 // 3 + 1,
        specification=run.specification,
        agreement=LICENCE,
    )
    terms = run.session.market.terms(ROUND)
    return f"budget {terms.budget} money units, reserve {terms.reserve}, {len(members)} oracles"


def commit_bids(run: Run, tell: ProgressCallback) -> str:
    """Every provider encrypts and publishes its corpus, writes and re-reads its bid file, then sends bid and bond."""
    costs = asking_prices(run)
    for done, (name, _, documents) in enumerate(run.market.providers, start=1):
        run.bids[name] = run.out / "bids" / f"{name}.json"
        commit_bid(
            run.session,
            run.accounts[name],
            PASSWORD,
            round=ROUND,
            documents=documents,
            cost=costs[name],
            file=run.bids[name],
            work=SCRYPT_WORK,
        )
        tell("sealed bids", done, len(run.market.providers))
    # From here on the texts come from the content store: three oracles need the memory more.
    run.market = replace(run.market, providers=tuple(p._replace(documents=()) for p in run.market.providers))
    return f"{len(costs)} sealed bids, {sum(costs.values())} money units asked in all"


def score_apart(run: Run, tell: ProgressCallback) -> str:
    """The chain draws the validation sample; every oracle computes all scores in a process and a folder of its own."""
    drawn = draw_sample(run.session, ROUND, list(run.market.validation))
    _all_operators(run, "score", [], tell)
    return f"{len(run.operators)} processes, {drawn} validation documents drawn"


def report_together(run: Run, tell: ProgressCallback) -> str:
    """Observations are shown, medians taken, one report signed by a quorum and posted in one transaction."""
    run.chain.warp_to(run.session.market.terms(ROUND).observe_end)
    _all_operators(run, "report", ["--wait", "120"], tell)
    posted = run.session.market.report(ROUND)
    if posted is None:
        raise CheckFailed("no report was posted", input=f"round {ROUND}", hint="Read the oracles' lines above.")
    return f"root {posted.root.hex()[:12]}… over {posted.count} providers"


def reveal_bids(run: Run, tell: ProgressCallback) -> str:
    """The challenge phase passes; every provider opens its bid with its score proof."""
    from oracle.custody.bidfile import read_bid

    run.chain.warp_to(run.session.market.terms(ROUND).challenge_end)
    for done, (name, file) in enumerate(run.bids.items(), start=1):
        reveal_bid(run.session, run.accounts[name], read_bid(file, PASSWORD))
        tell("opened bids", done, len(run.bids))
    return f"{len(run.bids)} bids opened"


def settle(run: Run, tell: ProgressCallback) -> str:
    """Anybody computes the certificate; the contract verifies it in one pass."""
    run.chain.warp_to(run.session.market.terms(ROUND).reveal_end)
    done = settle_round(run.session, run.planner(), ROUND, batch=25_000)
    return f"{done['winners']} of {done['bids']} bought for {done['total_reward']} money units"


def pay_all(run: Run, tell: ProgressCallback) -> str:
    """Cash, MUT, DST and bonds to the providers, fees to the oracles, the rest to the planner."""
    functions, planner = run.session.market.contract.functions, run.planner()
    for done, name in enumerate(run.providers, start=1):
        claim_for(run.session, run.accounts[name], ROUND, run.accounts[name].address)
        tell("claims", done, len(run.providers))
    for name in run.operators:
        operator = run.accounts[name]
        send(run.session, operator, functions.claimOperatorFee(ROUND, operator.address))
    send(run.session, planner, functions.refund(ROUND))
    return f"{len(run.providers)} claims, {len(run.operators)} fees, one refund"


def share_revenue(run: Run, tell: ProgressCallback) -> str:
    """The planner pays revenue into the round's MUT ledger; every holder draws its part."""
    from oracle.mechanism.liquidity import split

    terms = run.session.market.terms(ROUND)
    whole = sum(split(terms.budget, terms.utility_pool, terms.liquidity)) * terms.money_unit
    deposit_revenue(run.session, run.planner(), ROUND, whole // REVENUE_SHARE)
    holders = ["planner", *run.providers]
    paid = 0
    for done, name in enumerate(holders, start=1):
        account = run.accounts[name]
        paid += bool(withdraw_revenue(run.session, account, ROUND, account.address))
        tell("withdrawals", done, len(holders))
    return f"{whole // REVENUE_SHARE} smallest units to {paid} holders"


def save_chain(run: Run, tell: ProgressCallback) -> str:
    """The chain as it is, for whoever goes on from here."""
    state = run.out / "chain-state" / "state.json"
    state.parent.mkdir(parents=True, exist_ok=True)
    run.chain.dump_state(state)
    return f"{state} ({state.stat().st_size / 1e6:.1f} MB)"


def audit(run: Run, tell: ProgressCallback) -> str:
    """A process with an RPC URL, the content folder and the auditor's keys, and nothing else, does it all again."""
    place = ["--rpc", run.chain.rpc, "--store", run.store, "--json"]
    arguments = ["audit", "round", str(ROUND), *_auditors(run), *place]
    (code, words), *_ = run_together([Child("audit", arguments)], hear=partial(pass_on, tell), check=False)
    said = json.loads(words) if words.strip() else {"error": {"name": f"exit code {code}", "hint": "", "input": ""}}
    if "error" in said:
        raise CheckFailed(f"the audit did not run: {said['error']['hint']}", input=said["error"]["input"])
    run.audit = said
    return f"{'passed' if said['ok'] else 'FAILED'}, {len(said['checks'])} checks"


def rebuild_document(run: Run, tell: ProgressCallback) -> str:
    """The round again, out of chain and content, as the one document that table and page are drawn from."""
    from oracle.audit.outcome import rebuild

    session = run.session
    outcome = rebuild(session.market, ROUND, session.store, session.board)
    run.document = round_document(session, outcome, run.names()) | {"audit": run.audit, "next": next_steps(run)}
    return "every figure of the table and the page"


STAGES: tuple[tuple[str, Stage], ...] = (
    ("local chain", start_chain),
    ("texts", gather_texts),
    ("keys", make_keys),
    ("contracts", deploy_contracts),
    ("base model", train_base_model),
    ("specification", publish_scoring),
    ("round", open_the_round),
    ("sealed bids", commit_bids),
    ("key wraps", wrap_keys),
    ("scores", score_apart),
    ("report", report_together),
    ("opened bids", reveal_bids),
    ("settlement", settle),
    ("deliveries", deliver_keys),
    ("opened keys", open_deliveries),
    ("payments", pay_all),
    ("revenue", share_revenue),
    ("bought texts", fetch_texts),
    ("chain state", save_chain),
    ("audit", audit),
    ("round.json", rebuild_document),
)


def asking_prices(run: Run) -> dict[str, int]:
    """What each provider asks, money units: tokens times a log-normal price per token, the same in every run.

    The level is set so that all bids together exceed the reward budget: somebody has to lose.
    """
    from oracle.corpus.tokens import count_tokens
    from oracle.mechanism.liquidity import split

    terms = run.session.market.terms(ROUND)
    draw = random.Random(run.settings.seed)
    raw = {
        name: sum(count_tokens(document.text) for document in documents) * draw.lognormvariate(0.0, SPREAD)
        for name, _, documents in run.market.providers
    }
    budget = sum(split(terms.budget, terms.utility_pool, terms.liquidity))
    level = run.settings.asked * budget / sum(raw.values())
    return {name: min(terms.cap, max(1, round(level * asked))) for name, asked in raw.items()}


def next_steps(run: Run) -> list[dict[str, str]]:
    """What to type next, with this run's own paths."""
    contract = f"--rpc http://127.0.0.1:8545 --store {run.store}"
    here, program = Path.cwd(), Path(sys.argv[0]).absolute()
    mia = str(program.relative_to(here)) if program.name == "mia" and program.is_relative_to(here) else "mia"
    someone = run.keystore(run.providers[0])
    return [
        {
            "what": "Start the chain again where the demo left it:",
            "command": f"{mia} chain {run.out / 'chain-state/state.json'}",
        },
        {
            "what": "In another terminal, audit the round as the auditor whom its specification names:",
            "command": f"{mia} audit round {ROUND} {' '.join(_auditors(run))} {contract}",
        },
        {
            "what": "Explain one provider's payout, term by term:",
            "command": f"{mia} explain {ROUND} {someone} {contract}",
        },
        {"what": "See where the round stands:", "command": f"{mia} round status {ROUND} {contract}"},
    ]


def _auditors(run: Run) -> list[str]:
    return ["--keystore", str(run.keystore("auditor")), "--password-file", str(run.password_file)]


def _all_operators(run: Run, verb: str, extra: Sequence[str], tell: ProgressCallback) -> None:
    """The same command in one process for each oracle, each with its own key and its own data folder."""
    children = [
        Child(
            name,
            [
                *("oracle", verb, str(ROUND), *extra),
                *("--rpc", run.chain.rpc, "--contract", run.session.market.address, "--store", run.store),
                *("--keystore", str(run.keystore(name)), "--password-file", str(run.password_file)),
                *("--data-dir", str(run.out / "oracles" / name), "--json"),
            ],
        )
        for name in run.operators
    ]
    run_together(children, hear=partial(pass_on, tell))
