// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EfficientHashLib} from "solady/src/utils/EfficientHashLib.sol";
import {LibBytes} from "solady/src/utils/LibBytes.sol";

/// @title The clearing rule
/// @notice Winners are the longest prefix, in the order of cost per weight, that fits the reward budget R when
/// everybody is paid R / W per unit of weight; each winner is paid its largest winning bid. Anyone may propose the
/// outcome as a certificate (W, m): W is the winners' total weight, m the position of the first kept bid that does not
/// win. One pass over the records in any order verifies it, exactly one certificate passes, and any provider's reward
/// is O(1) from it.
/// @dev Twin of `oracle/mechanism/clearing.py`. Money in money units, weights and the reserve price per weight in WAD.
/// No product overflows (hence `unchecked`): costs and weights of records are below 2^64; R, the reserve and W below
/// 2^128, which `settle` requires.
library Clearing {
    uint256 internal constant WAD = 1e18;
    /// @dev `marginal` when every kept bid wins.
    uint256 internal constant NONE = type(uint256).max;
    uint256 private constant RECORD_SIZE = 16;

    /// @dev R, the reserve or the proposed W is 2^128 or more.
    error ClearingOutOfRange();
    /// @dev The length of the records is not a multiple of 16.
    error MalformedRecords();
    /// @dev m is not NONE, and no record or not a kept one.
    error MarginalNotKept();
    /// @dev m would fit the budget beside the proposed winners.
    error MarginalFits();
    /// @dev A proposed winner does not fit the budget: cost * W > R * weight.
    error WinnerDoesNotFit(uint256 position);
    /// @dev The winners' weights do not add up to the proposed W.
    error WrongWinningWeight(uint256 actual);

    /// @param reward R, money units, below 2^128.
    /// @param reserve Highest price of one WAD of weight, money units, below 2^128.
    /// @param cap Highest eligible bid and highest reward, money units.
    struct Params {
        uint256 reward;
        uint256 reserve;
        uint256 cap;
    }

    /// @dev A proposed outcome with the bid of m, which is all zero when there is none.
    struct Certificate {
        uint256 winningWeight;
        uint256 marginal;
        uint256 mCost;
        uint256 mWeight;
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

    /// @notice Verifies the certificate (`winningWeight`, `marginal`) over the records and adds up the rewards.
    /// @param records 16 bytes a bid in the order of positions: cost (uint64) | weight (uint64), big-endian.
    /// @param p Reward budget, reserve and cap of the round.
    /// @param winningWeight W, WAD.
    /// @param marginal Position of m, or NONE.
    /// @return recordsHash h_n of h_0 = 0, h_{i+1} = keccak256(abi.encode(h_i, record_i)).
    /// @return totalReward Sum of the winners' rewards, money units, at most R.
    /// @return mCost Cost of m; 0 when there is none.
    /// @return mWeight Weight of m; 0 when there is none.
    function settle(bytes calldata records, Params memory p, uint256 winningWeight, uint256 marginal)
        internal
        pure
        returns (bytes32 recordsHash, uint256 totalReward, uint256 mCost, uint256 mWeight)
    {
        require(records.length % RECORD_SIZE == 0, MalformedRecords());
        require((p.reward | p.reserve | winningWeight) >> 128 == 0, ClearingOutOfRange());
        if (marginal != NONE) {
            require(marginal < records.length / RECORD_SIZE, MarginalNotKept());
            (mCost, mWeight) = _bid(records, marginal);
            require(kept(mCost, mWeight, p.reserve, p.cap), MarginalNotKept());
            require(mCost * (winningWeight + mWeight) > p.reward * mWeight, MarginalFits());
        }
        (recordsHash, totalReward) = _scan(records, p, Certificate(winningWeight, marginal, mCost, mWeight));
    }

    /// @notice Reward of one bid under a verified certificate, money units; 0 for losers.
    /// @param m Position of the marginal bid, or NONE; `mCost` and `mWeight` as `settle` returned them.
    function rewardOf(
        Params memory p,
        uint256 winningWeight,
        uint256 m,
        uint256 mCost,
        uint256 mWeight,
        uint256 position,
        uint256 cost,
        uint256 weight
    ) internal pure returns (uint256) {
        Certificate memory c = Certificate(winningWeight, m, mCost, mWeight);
        return _wins(p, c, position, cost, weight) ? _pay(_price(p, c), p.cap, position, weight) : 0;
    }

    /// @dev The pass over all records: fold the hash, check every winner, add up weights and rewards.
    function _scan(bytes calldata records, Params memory p, Certificate memory c)
        private
        pure
        returns (bytes32 hash, uint256 totalReward)
    {
        Price memory price = _price(p, c);
        uint256 weightSum;
        // Products: see the library's note. Sums: fewer than 2^32 records fit a block, weights are below 2^64, and a
        // reward is below 2^192.
        unchecked {
            for (uint256 i; i < records.length / RECORD_SIZE; ++i) {
                (uint256 cost, uint256 weight) = _bid(records, i);
                hash = EfficientHashLib.hash(hash, bytes32(cost << 64 | weight));
                if (!_wins(p, c, i, cost, weight)) continue;
                require(cost * c.winningWeight <= p.reward * weight, WinnerDoesNotFit(i));
                weightSum += weight;
                totalReward += _pay(price, p.cap, i, weight);
            }
        }
        require(weightSum == c.winningWeight, WrongWinningWeight(weightSum));
    }

    /// @dev Whether bid i is kept and comes before m.
    function _wins(Params memory p, Certificate memory c, uint256 i, uint256 cost, uint256 weight)
        private
        pure
        returns (bool)
    {
        if (i == c.marginal || !kept(cost, weight, p.reserve, p.cap)) return false;
        return c.marginal == NONE || before(cost, weight, i, c.mCost, c.mWeight, c.marginal);
    }

    /// @dev A winner's largest winning bid is the least of R*w/W (the budget), b_m*w/w_m (the edge, strict after m:
    /// there a tie loses), reserve*w/WAD and the cap. One ratio is the least for all winners, so it is chosen once: m
    /// is kept, hence b_m/w_m <= reserve/WAD and the reserve matters only without m; and where R/W < b_m/w_m, R*w/W is
    /// also below the strict edge.
    function _price(Params memory p, Certificate memory c) private pure returns (Price memory) {
        if (c.marginal != NONE) {
            if (c.mCost * c.winningWeight <= p.reward * c.mWeight) return Price(c.mCost, c.mWeight, c.marginal);
        } else if (p.reserve * c.winningWeight <= p.reward * WAD) {
            return Price(p.reserve, WAD, NONE);
        }
        // W = 0 took one of the returns above: no division by zero before the sum of weights proves it wrong.
        return Price(p.reward, c.winningWeight, NONE);
    }

    /// @dev At a strict edge the numerator is above zero: the winner i > m has cost * w_m < b_m * w_i.
    function _pay(Price memory price, uint256 cap, uint256 position, uint256 weight)
        private
        pure
        returns (uint256 reward)
    {
        unchecked {
            uint256 numerator = price.numerator * weight;
            if (position > price.strictAfter) --numerator;
            reward = numerator / price.denominator;
        }
        if (reward > cap) reward = cap;
    }

    /// @dev Record `i`; the caller has checked that it is there.
    function _bid(bytes calldata records, uint256 i) private pure returns (uint256 cost, uint256 weight) {
        unchecked {
            uint256 record = uint256(LibBytes.loadCalldata(records, i * RECORD_SIZE)) >> 128;
            return (record >> 64, record & type(uint64).max);
        }
    }
}
