"""``index.html`` out of ``round.json``: self-contained, readable on a phone, every picture with a caption.

The page shows only what the document holds, so the same function draws any round that `mia` can rebuild.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from oracle.cli.report import figures
from oracle.cli.report.figures import Bar, Step
from oracle.cli.report.scale import compact
from oracle.evidence.hidden import visible

WAD = 10**18
DST = 10**9
AXES = ("cleanliness", "diversity", "novelty", "metadata")
PENDING, LOST = ("awaited", "delivered"), ("reversed", "missing")
Row = Mapping[str, Any]


def render(document: Mapping[str, Any]) -> str:
    """The whole page.

    Args:
        document: as written to ``round.json`` by `oracle.cli.document` (money: strings of money units or of the
            token's smallest units, weights: strings in WAD, scores: numbers in [0, 1] or None).
    """
    document = _shown(document)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["exact"] = exact
    source = files("oracle.cli.report").joinpath("index.html.j2").read_text(encoding="utf-8")
    token = document["token"]
    return environment.from_string(source).render(
        doc=document,
        rows=by_result(document["providers"]),
        state=_state(document),
        sold=[row for row in by_result(document["providers"]) if row.get("delivery")],
        amount=lambda units: exact(tokens(units, token)),
        money=lambda units: exact(tokens(int(units) * int(document["terms"]["money_unit"]), token)),
        votes=lambda units: f"{int(units) / DST:,.3f}",
        wad=lambda value: f"{int(value) / WAD:.4f}",
        supply={"wide": _supply(document, 1040), "narrow": _supply(document, 390)},
        columns=[row["name"] for row in _by_cost(document)],
        undrawn=[row["name"] for row in document["providers"] if row not in _by_cost(document)],
        scores=_score_panels(document),
        payouts=_payout_panels(document),
        revenue=_revenue_panel(document),
        agreement=_agreement_panels(document),
    )


def exact(value: Decimal | int | str) -> str:
    """Every digit, thousands apart; a trailing run of zeros after the point is dropped."""
    whole, _, rest = f"{Decimal(value):f}".partition(".")
    rest = rest.rstrip("0")
    return f"{int(whole):,}" + (f".{rest}" if rest else "")


def tokens(units: int | str, token: Row) -> Decimal:
    """Smallest units as a decimal number of whole tokens."""
    return Decimal(int(units)).scaleb(-int(token["decimals"]))


def by_result(rows: list[Row]) -> list[Row]:
    """Winners first, the best paid first; then losers by weight; order of commitment among equals."""
    return sorted(rows, key=lambda row: (not row["won"], -int(row["critical"]), -int(row["weight"]), row["position"]))


def _shown(value: Any) -> Any:
    """The document with what is hidden in its texts shown: names and symbols are other people's."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {key: _shown(item) for key, item in value.items()}
    return [_shown(item) for item in value] if isinstance(value, list | tuple) else value


def _state(document: Mapping[str, Any]) -> str:
    """How far the round is, in a few words."""
    if document["certificate"] is None:
        return str(document["phase"])
    pending = sum(_standing(row) in PENDING for row in document["providers"])
    return f"settled, {pending} keys still to be delivered or accepted" if pending else "settled and paid"


def _standing(row: Row) -> str | None:
    """Of a winner's key; None where nothing is delivered, and in documents of before there were deliveries."""
    found = row.get("delivery")
    return found["state"] if found else None


def _supply(document: Mapping[str, Any], width: int) -> str:
    unit = 10 ** -int(document["token"]["decimals"]) * int(document["terms"]["money_unit"])
    certificate = document["certificate"]
    if certificate is None:
        return ""
    steps = [
        Step(row["name"], int(row["weight"]) / WAD, int(row["bid"]) * unit, int(row["critical"]) * unit)
        for row in _by_cost(document)
    ]
    return figures.supply_curve(
        steps,
        reward=int(certificate["budget"]) * unit,
        price=float(certificate["price"]) * unit,
        reserve=int(document["rule"]["reserve"]) * unit,
        cutoff=int(certificate["winning_weight"]) / WAD,
        unit=document["token"]["symbol"],
        width=width,
    )


def _by_cost(document: Mapping[str, Any]) -> list[Row]:
    """Bids of the main auction that weigh anything, as the clearing rule takes them: lowest ask per weight first."""
    weighty = [row for row in document["providers"] if row["group"] == 0 and int(row["weight"])]
    return sorted(
        weighty, key=lambda row: (not row["won"], int(row["bid"]) * WAD // int(row["weight"]), row["position"])
    )


def _score_panels(document: Mapping[str, Any]) -> list[str]:
    rows = by_result(document["providers"])
    most_impact = max((row["impact"] for row in rows), default=0.0)
    heaviest = max((int(row["weight"]) / WAD for row in rows), default=0.0)
    most_tokens = max((int(row["tokens"]) for row in rows), default=0)
    return [
        _panel(rows, "Quality q, 0 to 1", figures.BID, lambda row: row["quality"]),
        _panel(
            rows, f"Marginal utility φ, 0 to {most_impact:.3g}", figures.PLUM, lambda row: row["impact"], most_impact
        ),
        _panel(rows, f"Weight, 0 to {heaviest:.3g}", figures.INK, lambda row: int(row["weight"]) / WAD, heaviest),
        *(_panel(rows, f"{axis.capitalize()}, 0 to 1", figures.TEAL, partial(_axis, axis)) for axis in AXES),
        _panel(rows, "Tokens after deduplication", figures.OCHRE, lambda row: int(row["tokens"]), most_tokens),
    ]


def _axis(axis: str, row: Row) -> float | None:
    value: float | None = row["axes"][axis]
    return value


def _panel(rows: list[Row], title: str, colour: str, value: Callable[[Row], float | None], limit: float = 1.0) -> str:
    bars = []
    for row in rows:
        number = value(row)
        shown = "–" if number is None else f"{number:,}" if isinstance(number, int) else f"{number:.4f}"
        bars.append(Bar(row["name"], [(number or 0.0, colour if row["won"] else figures.LOST)], shown, not row["won"]))
    return figures.bar_panel(title, bars, limit=limit)


def _payout_panels(document: Mapping[str, Any]) -> list[str]:
    winners = [row for row in by_result(document["providers"]) if row["won"] and _standing(row) not in LOST]
    token, unit = document["token"], int(document["terms"]["money_unit"])
    rule = document["rule"]
    share = int(rule["deferred"]) / int(rule["reward"])

    def whole(units: int | str) -> float:
        return float(tokens(units, token))

    rewards = [(row, whole(int(row["critical"]) * unit), whole(int(row["bid"]) * unit)) for row in winners]
    top = max((paid for _, paid, _ in rewards), default=0.0)
    asked = [
        Bar(row["name"], [(bid, figures.BID), (paid - bid, figures.RENT)], compact(paid)) for row, paid, bid in rewards
    ]
    kinds = [
        Bar(row["name"], [(paid * (1 - share), figures.TEAL), (paid * share, figures.OCHRE)], compact(paid))
        for row, paid, _ in rewards
    ]
    most_shares = max((float(row["shares"]) for row in winners), default=0.0)
    votes = [
        Bar(row["name"], [(float(row["shares"]), figures.PLUM)], compact(int(row["shares"]) / DST)) for row in winners
    ]
    symbol = token["symbol"]
    return [
        figures.bar_panel(f"Asked and rent, {symbol}", asked, limit=top),
        figures.bar_panel(f"Cash and MUT, {symbol} face value", kinds, limit=top),
        figures.bar_panel("DST, votes", votes, limit=most_shares),
    ]


def _revenue_panel(document: Mapping[str, Any]) -> str:
    revenue = document["revenue"]
    if not revenue or not revenue["withdrawn"]:
        return ""
    token = document["token"]
    paid = [(line["name"], float(tokens(line["amount"], token))) for line in revenue["withdrawn"]]
    bars = [Bar(name, [(value, figures.OCHRE)], compact(value)) for name, value in paid]
    return figures.bar_panel(
        f"Revenue withdrawn, {token['symbol']}", bars, limit=max(value for _, value in paid), width=420, names=150
    )


def _agreement_panels(document: Mapping[str, Any]) -> list[str]:
    """How far each oracle lies from the median, in quanta of 1e-4: nothing drawn means agreement to the last digit."""
    result = []
    for key, title in (("quality", "q"), ("impact", "φ")):
        worst = [(line["name"], line[f"{key}_difference"]) for line in document["operators"]]
        limit = max([value for _, value in worst] + [10])
        bars = [Bar(name, [(value, figures.PRICE if value else figures.TEAL)], str(value)) for name, value in worst]
        result.append(figures.bar_panel(f"Largest distance from the median, {title} (1e-4)", bars, limit=limit))
    return result
