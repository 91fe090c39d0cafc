// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The clearing rule
/// @notice Winners are the longest prefix, in the order of cost per weight, that fits the reward budget R when
/// everybody is paid R / W per unit of weight; each winner is paid its largest winning bid. Anyone may propose the
/// outcome as a certificate (W, m): W is the winners' total weight, m the position of the first kept bid that does not
/// win. One pass over the records in any order verifies it, exactly one certificate passes, and any provider's reward
/// is O(1) from it. The pass may be cut into batches of any size.
/// @dev Twin of `oracle/mechanism/clearing.py`. Money in money units, weights and the reserve price per weight in WAD.
/// No product overflows (hence `unchecked`): costs and weights of records are below 2^64; R, the reserve and W below
/// 2^128, which `begin` requires.
library Clearing {
    uint256 internal constant WAD = 1e18;
    /// @dev `marginal` when every kept bid wins.
    uint256 internal constant NONE = type(uint256).max;
    uint256 private constant RECORD_SIZE = 16;

    /// @dev R, the reserve or the proposed W is 2^128 or more.
    error ClearingOutOfRange();
    /// @dev The length of the records is not a multiple of 16.
    error MalformedRecords();
    /// @dev m is not NONE, and no record, not the claimed one or not a kept one.
    error MarginalNotKept();
    /// @dev m would fit the budget beside the proposed winners.
    error MarginalFits();
    /// @dev A proposed winner does not fit the budget: cost * W > R * weight.
    error WinnerDoesNotFit(uint256 position);
    /// @dev The winners' weights do not add up to the proposed W.
    error WrongWinningWeight(uint256 actual);

    /// @param reward R of this auction, money units, below 2^128.
    /// @param reserve Highest price of one WAD of weight, money units, below 2^128.
    /// @param cap Highest eligible bid and highest reward, money units.
    /// @param cash Cash part L of the round's whole reward budget, money units, below 2^64.
    /// @param total The round's whole reward budget L + D, money units, above zero and below 2^64.
    struct Params {
        uint256 reward;
        uint256 reserve;
        uint256 cap;
        uint256 cash;
        uint256 total;
    }

    /// @dev A proposed outcome: W, the position of m or NONE, and the bid of m (zero when there is none).
    struct Certificate {
        uint256 winningWeight;
        uint256 marginal;
        uint256 marginalCost;
        uint256 marginalWeight;
    }

    /// @dev What a pass has seen so far: the records folded into a running hash that counts them in its low 32 bits, and
    /// the sums of the winners' weights, rewards and cash parts.
    struct Progress {
        bytes32 records;
        uint256 weightSum; // exact under any certificate
        uint256 rewardSum; // at most R under the right one, and so is the next
        uint256 cashSum;
    }

    /// @dev Winner i is paid min(floor((numerator * w_i - [i > strictAfter]) / denominator), cap).
    struct Price {
        uint256 numerator;
        uint256 denominator;
        uint256 strictAfter;
    }

    /// @notice Whether a bid takes part: weight above zero, cost within the cap and the reserve price.
    function kept(uint256 cost, uint256 weight, uint256 reserve, uint256 cap) internal pure returns (bool) {
        unchecked {
            return weight != 0 && cost <= cap && cost * WAD <= reserve * weight;
        }
    }

    /// @notice Whether bid i comes before bid m: lower cost per weight, ties to the lower position.
    function before(uint256 costI, uint256 weightI, uint256 i, uint256 costM, uint256 weightM, uint256 m)
        internal
        pure
        returns (bool)
    {
        unchecked {
            uint256 x = costI * weightM;
            uint256 y = costM * weightI;
            return x < y || (x == y && i < m);
        }
    }

    /// @notice What must hold of a certificate whatever the records before m are: m is kept and does not fit.
    /// @param count Number of records.
    function begin(Params memory p, Certificate memory c, uint256 count) internal pure {
        require((p.reward | p.reserve | c.winningWeight) >> 128 == 0, ClearingOutOfRange());
        if (c.marginal == NONE) return;
        require((c.marginalCost | c.marginalWeight) >> 64 == 0 && c.marginal < count, MarginalNotKept());
        require(kept(c.marginalCost, c.marginalWeight, p.reserve, p.cap), MarginalNotKept());
        unchecked {
            require(c.marginalCost * (c.winningWeight + c.marginalWeight) > p.reward * c.marginalWeight, MarginalFits());
        }
    }

    /// @notice Folds the next records into the progress of a pass: running hash, checks, sums.
    /// @param records 16 bytes a bid in the order of positions: cost (uint64) | weight (uint64), big-endian.
    function scan(bytes calldata records, Params memory p, Certificate memory c, Progress memory progress)
        internal
        pure
    {
        require(records.length % RECORD_SIZE == 0, MalformedRecords());
        uint256 from = uint32(uint256(progress.records));
        unchecked {
            // Below m's own batch or above it the subtraction is out of the records' range.
            uint256 place = c.marginal - from;
            if (c.marginal >= from && place < records.length / RECORD_SIZE) {
                require(
                    uint128(bytes16(records[place * RECORD_SIZE:])) == (c.marginalCost << 64 | c.marginalWeight),
                    MarginalNotKept()
                );
            }
        }
        _scan(records, _pass(p, c), progress);
    }

    /// @notice The last word on a pass over all records: the winners' weights add up to W.
    function finish(Certificate memory c, Progress memory progress) internal pure {
        require(progress.weightSum == c.winningWeight, WrongWinningWeight(progress.weightSum));
    }

    /// @notice Reward of one bid under a verified certificate, money units; 0 for losers.
    function rewardOf(Params memory p, Certificate memory c, uint256 position, uint256 cost, uint256 weight)
        internal
        pure
        returns (uint256 reward)
    {
        if (position == c.marginal || !kept(cost, weight, p.reserve, p.cap)) return 0;
        if (c.marginal != NONE && !before(cost, weight, position, c.marginalCost, c.marginalWeight, c.marginal)) {
            return 0;
        }
        Price memory price = _price(p, c);
        // At a strict edge the numerator is above zero: the winner i > m has cost * w_m < b_m * w_i.
        unchecked {
            uint256 numerator = price.numerator * weight;
            if (position > price.strictAfter) --numerator;
            reward = numerator / price.denominator;
        }
        if (reward > p.cap) reward = p.cap;
    }

    /// @dev A winner's largest winning bid is the least of R*w/W (the budget), b_m*w/w_m (the edge, strict after m:
    /// there a tie loses), reserve*w/WAD and the cap. One ratio is the least for all winners, so it is chosen once: m
    /// is kept, hence b_m/w_m <= reserve/WAD and the reserve matters only without m; and where R/W < b_m/w_m, R*w/W is
    /// also below the strict edge.
    function _price(Params memory p, Certificate memory c) private pure returns (Price memory) {
        if (c.marginal != NONE) {
            if (c.marginalCost * c.winningWeight <= p.reward * c.marginalWeight) {
                return Price(c.marginalCost, c.marginalWeight, c.marginal);
            }
        } else if (p.reserve * c.winningWeight <= p.reward * WAD) {
            return Price(p.reserve, WAD, NONE);
        }
        // W = 0 took one of the returns above: no division by zero before the sum of weights proves it wrong.
        return Price(p.reward, c.winningWeight, NONE);
    }

    /// @dev What a pass reads again and again; the order is that of `_scan`'s offsets.
    struct Pass {
        uint256 limitCost; // bids before (limitCost, limitWeight, limitPosition) win
        uint256 limitWeight; // 0x20
        uint256 limitPosition; // 0x40
        uint256 numerator; // 0x60: the price
        uint256 denominator; // 0x80
        uint256 strictAfter; // 0xa0
        uint256 cap; // 0xc0
        uint256 cash; // 0xe0: L
        uint256 last; // 0x100: R - 1, which rounds up
        uint256 total; // 0x120: R
    }

    /// @dev A winner comes before m. Without m it is within the reserve price: before a bid of cost `reserve` and weight
    /// one WAD behind all positions. With m the reserve says nothing more, since m is within it.
    function _pass(Params memory p, Certificate memory c) private pure returns (Pass memory k) {
        Price memory price = _price(p, c);
        (k.limitCost, k.limitWeight) = c.marginal == NONE ? (p.reserve, WAD) : (c.marginalCost, c.marginalWeight);
        (k.limitPosition, k.cap) = (c.marginal, p.cap);
        (k.numerator, k.denominator, k.strictAfter) = (price.numerator, price.denominator, price.strictAfter);
        (k.cash, k.last, k.total) = (p.cash, p.total - 1, p.total);
    }

    /// @dev The loop, in assembly because 25,000 bids have to fit one transaction; the naive twin is in the tests.
    /// One comparison does for two checks. With t the least of the three ratios, a bid before m fits the budget if and
    /// only if it is at most t: where the budget is the least, that is what fitting means; elsewhere the edge or the
    /// reserve price is within the budget, and the bid within that. So a bid above min(t, cap) is above the cap, and not
    /// kept, or does not fit. A bid of weight 0 gets here only at cost 0, and adds nothing.
    /// Products: see the library's note. Sums: fewer than 2^32 records, weights below 2^64; rewards and cash parts share a
    /// word, and can overflow only under a wrong certificate, which fails by its weights.
    function _scan(bytes calldata records, Pass memory k, Progress memory progress) private pure {
        assembly ("memory-safe") {
            let end := add(records.offset, records.length)
            let hash := mload(progress)
            let weightSum := mload(add(progress, 0x20))
            let sums := 0 // rewards << 128 | cash parts
            let limitCost := mload(k)
            let limitWeight := mload(add(k, 0x20))
            for { let at := records.offset } lt(at, end) { at := add(at, 16) } {
                let cost := shr(128, calldataload(at))
                let i := and(hash, 0xffffffff)
                mstore(0x00, hash)
                mstore(0x20, cost) // and the weight
                hash := or(shl(32, keccak256(0x00, 0x40)), add(i, 1))
                let weight := and(cost, 0xffffffffffffffff)
                cost := shr(64, cost)
                // before the limit: a lower cost per weight, or the same in front
                if lt(mul(cost, limitWeight), add(mul(limitCost, weight), lt(i, mload(add(k, 0x40))))) {
                    let t := div(sub(mul(mload(add(k, 0x60)), weight), gt(i, mload(add(k, 0xa0)))), mload(add(k, 0x80)))
                    if gt(t, mload(add(k, 0xc0))) { t := mload(add(k, 0xc0)) }
                    if gt(cost, t) {
                        if gt(cost, mload(add(k, 0xc0))) { continue }
                        mstore(0x00, 0xf5724e8b) // WinnerDoesNotFit(uint256)
                        mstore(0x20, i)
                        revert(0x1c, 0x24)
                    }
                    weightSum := add(weightSum, weight)
                    sums := add(
                        sums,
                        or(
                            shl(128, t),
                            div(add(mul(t, mload(add(k, 0xe0))), mload(add(k, 0x100))), mload(add(k, 0x120)))
                        )
                    )
                }
            }
            mstore(progress, hash)
            mstore(add(progress, 0x20), weightSum)
            mstore(add(progress, 0x40), add(mload(add(progress, 0x40)), shr(128, sums)))
            mstore(add(progress, 0x60), add(mload(add(progress, 0x60)), shr(128, shl(128, sums))))
        }
    }
}
