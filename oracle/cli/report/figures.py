"""The report's pictures as inline SVG: text stays text, sizes come from the page, no script and no file beside it.

Widths are pixels of the drawing, so the supply curve is drawn twice (wide and narrow) rather than shrunk until its
words cannot be read; bar panels are narrow and flow over the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from oracle.cli.report.scale import Linear, Log, compact

HEADROOM = 12  # the supply curve ends at this many clearing prices
INK, MUTED, RULE = "#1d1f24", "#6a6c72", "#dedbd3"
BID, RENT, LOST, PRICE, PAPER = "#1f4e79", "#a8c8e6", "#c8c3b8", "#b3301f", "#fdfcf9"
TEAL, PLUM, OCHRE = "#2f7d6d", "#7a5195", "#b7791f"


@dataclass
class Drawing:
    """An SVG being written: a few verbs, coordinates in pixels."""

    width: float
    height: float
    title: str
    parts: list[str] = field(default_factory=list)

    def rect(self, x: float, y: float, width: float, height: float, fill: str, title: str = "") -> None:
        tip = f"<title>{escape(title)}</title>" if title else ""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" '
            f'fill="{fill}">{tip}</rect>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, stroke: str, width: float = 1, dash: str = "") -> None:
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" '
            f'stroke-width="{width}"{dashes}/>'
        )

    def path(self, points: Sequence[tuple[float, float]], stroke: str, width: float, dash: str = "") -> None:
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        course = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self.parts.append(f'<path d="{course}" fill="none" stroke="{stroke}" stroke-width="{width}"{dashes}/>')

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        fill: str = INK,
        size: float = 12,
        anchor: str = "start",
        weight: int = 400,
        turn: float = 0,
        halo: bool = False,
    ) -> None:
        turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
        outline = f' paint-order="stroke" stroke="{PAPER}" stroke-width="4"' if halo else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" font-size="{size}" text-anchor="{anchor}" '
            f'font-weight="{weight}"{turned}{outline}>{escape(words)}</text>'
        )

    def svg(self) -> str:
        return (
            f'<svg viewBox="0 0 {self.width:.0f} {self.height:.0f}" role="img" aria-label="{escape(self.title)}" '
            f'xmlns="http://www.w3.org/2000/svg">{"".join(self.parts)}</svg>'
        )


@dataclass(frozen=True)
class Step:
    """One bid on the supply curve, cheapest per weight first. Money in payment tokens, weights in [0, ...)."""

    label: str
    weight: float
    bid: float
    reward: float  # 0 for a loser

    @property
    def cost(self) -> float:
        return self.bid / self.weight


def supply_curve(
    steps: Sequence[Step], *, reward: float, price: float, reserve: float, cutoff: float, unit: str, width: int
) -> str:
    """Virtual cost (bid per unit of weight, log scale) against cumulative weight.

    ``reward`` is the reward budget R in tokens, ``price`` the clearing price, ``reserve`` the public upper bound on it,
    ``cutoff`` the weight bought. A bar's width is a provider's weight; dark up to what it asked, light up to what it is
    paid.
    """
    narrow = width < 600
    height, left, right, top, bottom = (440 if narrow else 480), 58, 14, 34, 52
    drawing = Drawing(width, height, "Supply curve: virtual cost against cumulative weight")
    total = sum(step.weight for step in steps) or 1.0
    costs = [step.cost for step in steps if step.cost > 0] + [price]
    x = Linear(0, total, left, width - right)
    # Room below for the names in the bars; what asks far beyond the price is cut at the top, else it flattens the rest.
    y = Log(min(costs) / 4, min(max(*costs, price * 2.5) * 1.6, price * HEADROOM), height - bottom, top)
    floor = height - bottom

    for tick in y.ticks():
        drawing.line(left, y(tick), width - right, y(tick), RULE)
        drawing.text(left - 8, y(tick) + 4, compact(tick), fill=MUTED, anchor="end", size=11.5)
    for tick in x.ticks(4 if narrow else 8):
        drawing.line(x(tick), floor, x(tick), floor + 5, MUTED)
        drawing.text(x(tick), floor + 19, f"{tick:.3g}", fill=MUTED, anchor="middle", size=11.5)
    drawing.text(left - 50, 16, f"{unit} per unit of weight (log scale)", fill=MUTED, size=12)
    drawing.text(width - right, height - 10, "cumulative weight, cheapest first →", fill=MUTED, anchor="end", size=12)

    start, told = 0.0, -1e9
    for rank, step in enumerate(steps, start=1):
        left_edge, right_edge = x(start), x(start + step.weight)
        gap = 1.0 if right_edge - left_edge > 4 else 0.0
        span = right_edge - left_edge - gap
        top_of_bid = y(min(step.cost, y.high)) if step.cost > 0 else floor
        tip = f"{step.label}: bid {step.bid:,.2f}, paid {step.reward:,.2f} {unit}, weight {step.weight:.4f}"
        if step.reward > 0:
            top_of_bar = y(step.reward / step.weight)
            drawing.rect(left_edge, top_of_bar, span, top_of_bid - top_of_bar, RENT, tip)
            drawing.rect(left_edge, top_of_bid, span, floor - top_of_bid, BID, tip)
        else:
            top_of_bar = top_of_bid
            drawing.rect(left_edge, top_of_bid, max(span, 1.5), floor - top_of_bid, LOST, tip)
        middle = (left_edge + right_edge) / 2
        if span > 15 and floor - top_of_bid > 6.3 * len(step.label) + 14:
            tone = "#ffffff" if step.reward > 0 else INK
            drawing.text(middle + 4, floor - 8, step.label, fill=tone, size=11.5, turn=-90)
        if middle - told > 15:
            drawing.text(middle, min(top_of_bar, y(price)) - 7, str(rank), anchor="middle", size=11.5, halo=True)
            told = middle
        start += step.weight

    if reserve < y.high:
        drawing.line(left, y(reserve), width - right, y(reserve), MUTED, 1, dash="6 3")
        drawing.text(width - right, y(reserve) - 6, "reserve price", fill=MUTED, size=11.5, anchor="end", halo=True)
    curve = [(x(bought), y(reward / bought)) for bought in _sweep(reward / y.high, total) if reward / bought >= y.low]
    if len(curve) > 1:
        drawing.path(curve, MUTED, 1.4, dash="2 4")
        at = curve[len(curve) // 3]
        if at[0] + 140 < x(cutoff):  # the caption explains the curve where there is no room for its name
            drawing.text(at[0] + 10, at[1] - 4, "budget ÷ weight so far", fill=MUTED, size=11.5, halo=True)
    drawing.line(left, y(price), x(cutoff), y(price), PRICE, 2)
    drawing.line(x(cutoff), top, x(cutoff), floor, PRICE, 1.2, dash="5 4")
    drawing.text(
        left + 6, y(price) - 22, f"clearing price {compact(price)}", fill=PRICE, weight=600, size=13, halo=True
    )
    near_right = x(cutoff) > width * 0.72
    drawing.text(
        x(cutoff) + (-6 if near_right else 6),
        top + 10,
        f"cut-off at {cutoff:.3g}",
        fill=PRICE,
        weight=600,
        anchor="end" if near_right else "start",
        halo=True,
    )
    drawing.line(left, floor, width - right, floor, INK)
    return drawing.svg()


def _sweep(first: float, last: float, points: int = 80) -> list[float]:
    """Weights from ``first`` to ``last``, closer together where the hyperbola is steep."""
    if first >= last:
        return []
    ratio = (last / first) ** (1 / (points - 1))
    return [first * ratio**n for n in range(points)]


@dataclass(frozen=True)
class Bar:
    """One row of a bar panel: stacked parts of ``(value, colour)``, and what is written at its end."""

    label: str
    parts: Sequence[tuple[float, str]]
    note: str
    faded: bool = False


def bar_panel(title: str, bars: Sequence[Bar], *, limit: float, width: int = 316, names: int = 138) -> str:
    """A titled column of horizontal bars, all on the scale ``[0, limit]``."""
    row, top, notes = 19, 26, 62
    drawing = Drawing(width, top + row * len(bars) + 4, title)
    drawing.text(0, 14, title, weight=600, size=13)
    x = Linear(0, limit or 1.0, names, width - notes)
    for index, bar in enumerate(bars):
        y = top + row * index
        tone = MUTED if bar.faded else INK
        drawing.text(names - 7, y + 12.5, shorten(bar.label, 18), anchor="end", size=11.5, fill=tone)
        drawing.rect(names, y + 3, width - notes - names, row - 7, "#f0ede6")
        start = 0.0
        for value, colour in bar.parts:
            tip = f"{bar.label}: {bar.note}"
            drawing.rect(x(start), y + 3, x(start + value) - x(start), row - 7, colour, tip)
            start += value
        drawing.text(width - notes + 6, y + 12.5, bar.note, size=11.5, fill=tone)
    drawing.line(names, top, names, top + row * len(bars), INK, 0.8)
    return drawing.svg()


def shorten(label: str, length: int) -> str:
    return label if len(label) <= length else label[: length - 1] + "…"
