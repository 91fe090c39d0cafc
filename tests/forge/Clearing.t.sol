// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clearing} from "../../contracts/libraries/Clearing.sol";
import {Liquidity} from "../../contracts/libraries/Liquidity.sol";
import {MechanismHarness} from "./harness/MechanismHarness.sol";

/// @notice The rule as one would write it first: sort, take the prefix, pay the least of four terms.
library NaiveClearing {
    uint256 private constant WAD = 1e18;

    struct Bid {
        uint256 cost;
        uint256 weight;
        uint256 position;
    }

    struct Outcome {
        uint256 winningWeight;
        uint256 marginal;
        uint256 totalReward;
        uint256[] rewards;
    }

    function clear(Bid[] memory bids, MechanismHarness.Limits memory p) internal pure returns (Outcome memory outcome) {
        Bid[] memory sorted = _sortedKept(bids, p);
        uint256 winners;
        while (winners < sorted.length && _fits(sorted[winners], outcome.winningWeight, p.reward)) {
            outcome.winningWeight += sorted[winners++].weight;
        }
        outcome.marginal = winners < sorted.length ? sorted[winners].position : type(uint256).max;
        outcome.rewards = new uint256[](bids.length);
        for (uint256 i; i < winners; ++i) {
            Bid memory bid = sorted[i];
            uint256 t = _min(p.reward * bid.weight / outcome.winningWeight, _min(p.reserve * bid.weight / WAD, p.cap));
            if (winners < sorted.length) {
                Bid memory m = sorted[winners];
                t = _min(t, (m.cost * bid.weight - (bid.position < m.position ? 0 : 1)) / m.weight);
            }
            outcome.rewards[bid.position] = t;
            outcome.totalReward += t;
        }
    }

    function _fits(Bid memory bid, uint256 before, uint256 reward) private pure returns (bool) {
        return bid.cost * (before + bid.weight) <= reward * bid.weight;
    }

    /// @dev Insertion sort by cost per weight; stable, so that ties keep their positions' order.
    function _sortedKept(Bid[] memory bids, MechanismHarness.Limits memory p)
        private
        pure
        returns (Bid[] memory sorted)
    {
        sorted = new Bid[](bids.length);
        uint256 n;
        for (uint256 i; i < bids.length; ++i) {
            Bid memory bid = bids[i];
            if (bid.weight == 0 || bid.cost > p.cap || bid.cost * WAD > p.reserve * bid.weight) continue;
            uint256 j = n++;
            for (; j > 0 && bid.cost * sorted[j - 1].weight < sorted[j - 1].cost * bid.weight; --j) {
                sorted[j] = sorted[j - 1];
            }
            sorted[j] = bid;
        }
        assembly ("memory-safe") {
            mstore(sorted, n)
        }
    }

    function _min(uint256 x, uint256 y) private pure returns (uint256) {
        return x < y ? x : y;
    }
}

contract ClearingTest {
    uint256 private constant WAD = 1e18;
    uint256 private constant NONE = type(uint256).max;
    MechanismHarness private immutable harness = new MechanismHarness();
    ScanProbe private immutable probe = new ScanProbe();

    event log_named_uint(string key, uint256 value);

    /// @dev The certificate of the naive twin passes, with its sum, its rewards and the running hash.
    function testFuzz_SettlesLikeTheNaiveTwin(uint256 seed, uint64 reward, uint128 reserve, uint64 cap) external view {
        (NaiveClearing.Bid[] memory bids, MechanismHarness.Instance memory x, bytes32 hash) =
            _instance(seed, reward, reserve, cap);
        NaiveClearing.Outcome memory expected = NaiveClearing.clear(bids, x.params);
        (x.winningWeight, x.marginal) = (expected.winningWeight, expected.marginal);
        MechanismHarness.Result memory got = harness.clear(x);
        require(got.recordsHash == hash, "hash");
        require(got.totalReward == expected.totalReward && got.totalReward <= x.params.reward, "sum");
        for (uint256 i; i < bids.length; ++i) {
            require(got.rewards[i] == expected.rewards[i], "reward");
            require(got.rewards[i] == 0 || got.rewards[i] >= bids[i].cost, "individually rational");
        }
    }

    /// @dev Batches of any size come to the same hash and sums; each winner's cash part is rounded up on its own.
    function testFuzz_BatchesAgree(uint256 seed, uint64 reward, uint64 cash, uint8 size) external view {
        (NaiveClearing.Bid[] memory bids, MechanismHarness.Instance memory x, bytes32 hash) =
            _instance(seed, reward, type(uint128).max, type(uint64).max);
        NaiveClearing.Outcome memory expected = NaiveClearing.clear(bids, x.params);
        cash = uint64(cash % (x.params.reward + 1));
        (x.winningWeight, x.marginal) = (expected.winningWeight, expected.marginal);
        (bytes32 got, uint256 total, uint256 owed) = harness.settleInBatches(x, cash, (uint256(size) % 14 + 1) * 16);
        require(got == hash && total == expected.totalReward && owed == _owed(expected, cash, x.params), "batches");
    }

    function _owed(NaiveClearing.Outcome memory outcome, uint256 cash, MechanismHarness.Limits memory l)
        private
        pure
        returns (uint256 owed)
    {
        for (uint256 i; i < outcome.rewards.length; ++i) {
            owed += Liquidity.cashOf(outcome.rewards[i], cash, l.reward == 0 ? 1 : l.reward);
        }
    }

    /// @dev The bid of m is taken from its own record, whichever batch that is in.
    function testFuzz_AnotherBidOfTheMarginalIsRefused(uint256 seed, uint64 reward, uint64 cost, uint64 weight)
        external
        view
    {
        (NaiveClearing.Bid[] memory bids, MechanismHarness.Instance memory x,) =
            _instance(seed, reward, type(uint128).max, type(uint64).max);
        NaiveClearing.Outcome memory right = NaiveClearing.clear(bids, x.params);
        if (right.marginal == NONE) return;
        NaiveClearing.Bid memory m = bids[right.marginal];
        if (m.cost == cost && m.weight == weight) return;
        Clearing.Certificate memory c = Clearing.Certificate(right.winningWeight, right.marginal, cost, weight);
        (bool ok,) = address(probe)
            .staticcall(abi.encodeCall(probe.gasOf, (x.records, harness.params(x.params, x.params.reward), c)));
        require(!ok, "another bid of m");
    }

    /// @dev No other certificate passes.
    function testFuzz_RefusesEveryOtherCertificate(uint256 seed, uint64 reward, uint256 weight) external view {
        (NaiveClearing.Bid[] memory bids, MechanismHarness.Instance memory x,) =
            _instance(seed, reward, type(uint128).max, type(uint64).max);
        NaiveClearing.Outcome memory right = NaiveClearing.clear(bids, x.params);
        for (uint256 i; i <= bids.length; ++i) {
            uint256 m = i < bids.length ? i : NONE;
            if (m != right.marginal) require(!_passes(x, right.winningWeight, m), "other marginal");
            if (weight != right.winningWeight) require(!_passes(x, weight, m), "other weight");
            require(!_passes(x, right.winningWeight + 1, m), "one more");
            if (right.winningWeight != 0) require(!_passes(x, right.winningWeight - 1, m), "one less");
        }
    }

    /// @dev The hash binds order, number and every byte: a settlement of other records has another hash.
    function testFuzz_HashBindsTheRecords(uint256 seed, uint256 flip) external view {
        (, MechanismHarness.Instance memory x, bytes32 hash) = _instance(seed, 100, 100 * uint128(WAD), 100);
        if (x.records.length == 0) return;
        x.records[flip % x.records.length] ^= bytes1(uint8(1 << (flip >> 8) % 8));
        NaiveClearing.Outcome memory outcome = NaiveClearing.clear(_parse(x.records), x.params);
        (bytes32 other,,) = harness.settle(x.records, x.params, outcome.winningWeight, outcome.marginal);
        require(other != hash, "hash");
    }

    function test_NamedErrors() external view {
        MechanismHarness.Limits memory p = MechanismHarness.Limits(10, type(uint128).max, type(uint64).max);
        bytes memory records = abi.encodePacked(uint64(1), uint64(1), uint64(6), uint64(1), uint64(0), uint64(0));
        (, uint256 total,) = harness.settle(records, p, 1, 1);
        require(total == 6, "costs 1 and 6 under 10: the first is paid 6");
        _refused(abi.encodePacked(records, uint8(0)), p, 1, 1, abi.encodePacked(Clearing.MalformedRecords.selector));
        _refused(records, p, 1 << 128, 1, abi.encodePacked(Clearing.ClearingOutOfRange.selector));
        _refused(records, p, 1, 2, abi.encodePacked(Clearing.MarginalNotKept.selector));
        _refused(records, p, 1, 3, abi.encodePacked(Clearing.MarginalNotKept.selector));
        _refused(records, p, 0, 0, abi.encodePacked(Clearing.MarginalFits.selector));
        _refused(records, p, 2, NONE, abi.encodeWithSelector(Clearing.WinnerDoesNotFit.selector, 1));
        _refused(records, p, 2, 1, abi.encodeWithSelector(Clearing.WrongWinningWeight.selector, 1));
        _refused(records, p, 0, NONE, abi.encodeWithSelector(Clearing.WrongWinningWeight.selector, 2));
    }

    function test_NobodyThere() external view {
        (bytes32 hash, uint256 total,) = harness.settle("", MechanismHarness.Limits(10, 1, 1), 0, NONE);
        require(hash == 0 && total == 0, "nothing");
    }

    /// @dev Execution of the scan alone over dense records, half of them winners.
    function test_GasOfTheScanPerBid() external {
        uint256 count = 500;
        bytes memory records;
        uint256 winningWeight;
        for (uint256 i; i < count; ++i) {
            uint256 h = uint256(keccak256(abi.encode(i)));
            uint64 weight = uint64(h >> 64) | 1;
            uint64 cost = uint64(i % 2 == 0 ? weight / 2 : weight) | 1;
            records = abi.encodePacked(records, cost, weight);
            if (i % 2 == 0) winningWeight += weight;
        }
        // A price of 3/4 of a unit per unit of weight: the even ones fit, the odd ones do not.
        MechanismHarness.Limits memory p =
            MechanismHarness.Limits(winningWeight * 3 / 4, type(uint128).max, type(uint64).max);
        uint256 gas = probe.gasOf(
            records,
            harness.params(p, p.reward / 3),
            harness.certificate(records, winningWeight, _lowestOdd(records, count))
        );
        emit log_named_uint("gas per bid of the scan", gas / count);
        require(gas / count < 380, "the loop has become expensive");
    }

    /// @dev Position of the odd record with the lowest cost per weight.
    function _lowestOdd(bytes memory records, uint256 count) private pure returns (uint256 m) {
        m = 1;
        for (uint256 i = 3; i < count; i += 2) {
            (uint256 cost, uint256 weight) = _bid(records, i);
            (uint256 mCost, uint256 mWeight) = _bid(records, m);
            if (cost * mWeight < mCost * weight) m = i;
        }
    }

    function _parse(bytes memory records) private pure returns (NaiveClearing.Bid[] memory bids) {
        bids = new NaiveClearing.Bid[](records.length / 16);
        for (uint256 i; i < bids.length; ++i) {
            (uint256 cost, uint256 weight) = _bid(records, i);
            bids[i] = NaiveClearing.Bid(cost, weight, i);
        }
    }

    function _bid(bytes memory records, uint256 i) private pure returns (uint256 cost, uint256 weight) {
        uint256 record;
        assembly ("memory-safe") {
            record := shr(128, mload(add(add(records, 32), shl(4, i))))
        }
        return (record >> 64, uint64(record));
    }

    /// @dev Up to 12 bids: small numbers with many ties, or full-size ones, by the seed.
    function _instance(uint256 seed, uint64 reward, uint128 reserve, uint64 cap)
        private
        pure
        returns (NaiveClearing.Bid[] memory bids, MechanismHarness.Instance memory x, bytes32 hash)
    {
        uint256 count = seed % 13;
        bool small = (seed >> 8) % 2 == 0;
        x.params = small
            ? MechanismHarness.Limits(reward % 64 + 1, reserve % 9 * WAD, cap % 16)
            : MechanismHarness.Limits(reward, reserve, cap);
        bids = new NaiveClearing.Bid[](count);
        for (uint256 i; i < count; ++i) {
            uint256 h = uint256(keccak256(abi.encode(seed, i)));
            uint64 cost = small ? uint64(h % 12) : uint64(h >> (h >> 128) % 64);
            uint64 weight = small ? uint64(h >> 64) % 5 : uint64(h >> 64);
            bids[i] = NaiveClearing.Bid(cost, weight, i);
            x.records = abi.encodePacked(x.records, cost, weight);
            hash = bytes32(uint256(keccak256(abi.encode(hash, uint256(cost) << 64 | weight))) << 32 | (i + 1));
        }
    }

    function _passes(MechanismHarness.Instance memory x, uint256 w, uint256 m) private view returns (bool ok) {
        (ok,) = address(harness).staticcall(abi.encodeCall(harness.settle, (x.records, x.params, w, m)));
    }

    function _refused(bytes memory records, MechanismHarness.Limits memory p, uint256 w, uint256 m, bytes memory error_)
        private
        view
    {
        (bool ok, bytes memory reason) = address(harness).staticcall(abi.encodeCall(harness.settle, (records, p, w, m)));
        require(!ok && keccak256(reason) == keccak256(error_), "named error");
    }
}

contract ScanProbe {
    function gasOf(bytes calldata records, Clearing.Params memory p, Clearing.Certificate memory c)
        external
        view
        returns (uint256 gas)
    {
        Clearing.Progress memory progress;
        gas = gasleft();
        Clearing.scan(records, p, c, progress);
        gas -= gasleft();
    }
}
