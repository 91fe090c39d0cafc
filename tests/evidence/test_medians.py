import pytest

from oracle.errors import BadInput, CheckFailed
from oracle.evidence.leaf import Status
from oracle.evidence.medians import lower_median, medians
from oracle.evidence.observation import Observation, Score


def seen(operator: int, *scores: tuple[Status, int, int, int], **changes: object) -> Observation:
    return Observation(
        **{
            "chain_id": 31337,
            "market": "0x" + "33" * 20,
            "round": 1,
            "operator": f"0x{operator:040x}",
            "commitments": b"\x01" * 32,
            "beacon": b"\x02" * 32,
            "pipeline_hash": b"\x03" * 32,
            "base_model": b"\x04" * 32,
            "scores": tuple(
                Score(
                    provider=f"0x{100 + i:040x}",
                    dataset_root=bytes([i]) * 32,
                    position=i,
                    status=status,
                    group=tokens % 2,
                    quality=quality,
                    impact=impact,
                    tokens=tokens,
                    evidence="bafkreia",
                )
                for i, (status, quality, impact, tokens) in enumerate(scores)
            ),
        }
        | changes  # type: ignore[arg-type]
    )


OK, GONE = Status.SCORED, Status.UNAVAILABLE


def test_lower_median() -> None:
    assert [lower_median(v) for v in ([5], [9, 2], [3, 1, 2], [4, 1, 3, 2])] == [5, 2, 2, 2]


def test_each_score_has_its_own_median() -> None:
    (score,) = medians([seen(1, (OK, 10, 300, 7)), seen(2, (OK, 30, 100, 9)), seen(3, (OK, 20, 200, 8))])
    assert (score.status, score.group, score.quality, score.impact, score.tokens) == (OK, 1, 20, 200, 8)


def test_one_liar_stays_between_honest_values() -> None:
    (score,) = medians([seen(1, (OK, 10_000, 10_000, 10**9)), seen(2, (OK, 50, 60, 70)), seen(3, (OK, 51, 61, 71))])
    assert (score.quality, score.impact, score.tokens) == (51, 61, 71)
    (score,) = medians([seen(1, (GONE, 0, 0, 0)), seen(2, (OK, 50, 60, 70)), seen(3, (OK, 51, 61, 71))])
    assert (score.status, score.quality, score.impact, score.tokens) == (OK, 50, 60, 70)


def test_scores_are_taken_over_those_that_saw_the_status() -> None:
    (score,) = medians([seen(1, (OK, 9000, 9000, 9)), seen(2, (GONE, 0, 0, 0)), seen(3, (GONE, 0, 0, 0))])
    assert (score.status, score.quality, score.impact, score.tokens) == (GONE, 0, 0, 0)


def test_order_of_observations_does_not_matter() -> None:
    three = [
        seen(1, (OK, 1, 2, 3), (GONE, 0, 0, 0)),
        seen(2, (OK, 4, 1, 3), (OK, 5, 5, 5)),
        seen(3, (OK, 2, 9, 1), (OK, 6, 6, 6)),
    ]
    assert medians(three) == medians(three[::-1])


def test_leaf_is_in_wad() -> None:
    leaf = medians([seen(1, (OK, 10_000, 1, 7))])[0].leaf(shares=5)
    assert (leaf.quality, leaf.impact, leaf.tokens, leaf.shares) == (10**18, 10**14, 7, 5)


@pytest.mark.parametrize(
    "changed", [{"beacon": bytes(32)}, {"commitments": bytes(32)}, {"round": 2}, {"base_model": bytes(32)}]
)
def test_a_different_subject_is_named(changed: dict[str, object]) -> None:
    stray = seen(2, (OK, 1, 1, 1), **changed)
    with pytest.raises(CheckFailed) as failure:
        medians([seen(1, (OK, 1, 1, 1)), stray])
    assert failure.value.input == stray.operator


def test_nobody_counts_twice() -> None:
    with pytest.raises(CheckFailed):
        medians([seen(1, (OK, 1, 1, 1)), seen(1, (OK, 2, 2, 2))])
    with pytest.raises(BadInput):
        medians([])
