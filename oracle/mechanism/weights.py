"""Weights of scored datasets; bit-exact twin of ``contracts/libraries/Weights.sol``.

``pow_wad`` ports ``FixedPointMathLib.powWad`` of Solady (Remco Bloemen's rational approximations, MIT) instruction
for instruction: an approximation good to about 1e-18, but the same approximation everywhere.
"""

from __future__ import annotations

from oracle.mechanism.integers import WAD, MechanismError, ValueTooLarge, natural

_LN2_Q96 = 54916777467707473351141471128


class UndefinedLogarithm(MechanismError):
    """The logarithm of a number that is not positive (Solady's ``LnWadUndefined``)."""


def ln_wad(x: int) -> int:
    """Natural logarithm of ``x`` (WAD, in (0, 2**255)), WAD, as Solady's ``lnWad``.

    Raises
    ------
    UndefinedLogarithm
        ``x`` is not positive.
    ValueTooLarge
        ``x`` does not fit an ``int256``.
    """
    if x <= 0:
        raise UndefinedLogarithm(f"ln is defined above zero, got {x}")
    if x >> 255:
        raise ValueTooLarge(f"ln takes an int256, got {x}")
    # Python's >> floors like SAR, and no product below leaves int256. r = 255 - floor(log2(x)).
    r = 256 - x.bit_length()
    x = (x << r) >> 159  # in [2^96, 2^97)

    p = x + 3273285459638523848632254066296
    p = ((p * x) >> 96) + 24828157081833163892658089445524
    p = ((p * x) >> 96) + 43456485725739037958740375743393
    p = ((p * x) >> 96) - 11111509109440967052023855526967
    p = ((p * x) >> 96) - 45023709667254063763336534515857
    p = ((p * x) >> 96) - 14706773417378608786704636184526
    p = p * x - (795164235651350426258249787498 << 96)

    q = x + 5573035233440673466300451813936
    q = ((q * x) >> 96) + 71694874799317883764090561454958
    q = ((q * x) >> 96) + 283447036172924575727196451306956
    q = ((q * x) >> 96) + 401686690394027663651624208769553
    q = ((q * x) >> 96) + 204048457590392012362485061816622
    q = ((q * x) >> 96) + 31853899698501571402653359427138
    q = ((q * x) >> 96) + 909429971244387300277376558375

    p = _truncating_division(p, q)
    p = p * 1677202110996718588342820967067443963516166
    p += 16597577552685614221487285958193947469193820559219878177908093499208371 * (159 - r)
    p += 600920179829731861736702779321621459595472258049074101567377883020018308
    return p >> 174


def exp_wad(x: int) -> int:
    """``e ** x`` for ``x`` in WAD, WAD, as Solady's ``expWad``; 0 where the result is below half a unit.

    Raises
    ------
    ValueTooLarge
        The result does not fit an ``int256`` (Solady's ``ExpOverflow``).
    """
    if x <= -41446531673892822313:
        return 0
    if x >= 135305999368893231589:
        raise ValueTooLarge(f"exp overflows at {x}")
    x = _truncating_division(x << 78, 5**18)
    k = (_truncating_division(x << 96, _LN2_Q96) + 2**95) >> 96
    x -= k * _LN2_Q96

    y = x + 1346386616545796478920950773328
    y = ((y * x) >> 96) + 57155421227552351082224309758442
    p = y + x - 94201549194550492254356042504812
    p = ((p * y) >> 96) + 28719021644029726153956944680412240
    p = p * x + (4385272521454847904659076985693276 << 96)

    q = x - 2855989394907223263936484059900
    q = ((q * x) >> 96) + 50020603652535783019961831881945
    q = ((q * x) >> 96) - 533845033583426703283633433725380
    q = ((q * x) >> 96) + 3604857256930695427073651918091429
    q = ((q * x) >> 96) - 14423608567350463180887372962807573
    q = ((q * x) >> 96) + 26449188498355588339934803723976023

    r = _truncating_division(p, q)
    return (r * 3822833074963236453042738258902158003155416615667) >> (195 - k)


def pow_wad(base: int, exponent: int) -> int:
    """``base ** exponent``, all WAD: exponent 0 gives WAD, exponent WAD the base, base 0 gives 0, in this order.

    Raises
    ------
    NotAnInteger, NegativeValue, ValueTooLarge
        An argument is not a natural number below 2**255, or the result does not fit an ``int256``.
    """
    natural("base", base, 255)
    natural("exponent", exponent, 255)
    if exponent == 0:
        return WAD
    if exponent == WAD:
        return base
    if base == 0:
        return 0
    product = ln_wad(base) * exponent
    if not -(2**255) <= product < 2**255:
        raise ValueTooLarge(f"the logarithm of {base} times {exponent} does not fit an int256")
    return exp_wad(_truncating_division(product, WAD))


def weight(quality: int, impact: int, eta: int = WAD, gamma: int = WAD, kappa: int = 0) -> int:
    """Weight ``quality**eta * (impact + kappa)**gamma``, WAD, rounded down.

    The paper's regularised virtual cost (section 4.1) is the bid over a function of quality times impact; the bid over
    this weight is that cost with a power for the function, which a contract can compute. Its concave ``u = sqrt`` is
    ``eta = gamma = WAD // 2``, ``kappa = 0``. ``kappa`` regularises the impact alone: offsetting the whole weight
    would pay for datasets of no quality. With ``kappa > 0`` or ``gamma < WAD`` two halves weigh more than the whole.

    Parameters
    ----------
    quality, impact
        Attested scores q and phi, WAD, below 2**64.
    eta, gamma
        Exponents of quality and impact, WAD, below 2**64.
    kappa
        Offset of the impact, WAD, below 2**64.

    Raises
    ------
    NotAnInteger, NegativeValue, ValueTooLarge
        An argument is outside its range.
    """
    arguments = {"quality": quality, "impact": impact, "eta": eta, "gamma": gamma, "kappa": kappa}
    for name, value in arguments.items():
        natural(name, value, 64)
    return pow_wad(quality, eta) * pow_wad(impact + kappa, gamma) // WAD


def _truncating_division(numerator: int, denominator: int) -> int:
    """Division rounded towards zero, as SDIV; ``denominator`` is positive."""
    return numerator // denominator if numerator >= 0 else -(-numerator // denominator)
