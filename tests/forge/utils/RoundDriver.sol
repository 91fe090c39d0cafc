// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DataMarket} from "../../../contracts/DataMarket.sol";
import {DataShareToken} from "../../../contracts/DataShareToken.sol";
import {MarginalUtilityToken} from "../../../contracts/MarginalUtilityToken.sol";
import {OracleCommittee} from "../../../contracts/OracleCommittee.sol";
import {DemoToken} from "../../../contracts/examples/DemoToken.sol";
import {IArbitrator} from "../../../contracts/interfaces/IArbitrator.sol";
import {IDataMarket} from "../../../contracts/interfaces/IDataMarket.sol";
import {Clearing} from "../../../contracts/libraries/Clearing.sol";
import {DeliveryDriver} from "./DeliveryDriver.sol";
import {ScoreTree} from "./ScoreTree.sol";

/// @notice One round of a market that has others beside it. Seeds decide what happens next; every call is a valid one
/// at its time. Keeps its own books, from the balances of those who are paid.
contract RoundDriver is DeliveryDriver {
    enum Challenge {
        None,
        Open,
        Upheld,
        Closed // bond paid back or burned
    }

    uint32 private constant MAX_BIDS = 6;
    address private constant STRANGER = address(0xE4E);

    // the books
    bool private settled;
    bool private refunded;
    Challenge private challenged;
    mapping(uint256 index => bool) private opened;
    mapping(uint256 index => bool) private claimed;
    mapping(uint256 member => bool) private observed;
    mapping(uint256 member => bool) private feePaid;
    uint256 private cashPaid; // money units
    uint256 public paid; // payment tokens
    uint256 public deposited; // revenue
    uint256 public withdrawn;

    constructor(
        OracleCommittee operators_,
        DataMarket market_,
        address token_,
        bytes32 committee_,
        uint256[] memory keys_,
        uint256 seed
    ) {
        (operators, market, token, committeeId, keys) = (operators_, market_, token_, committee_, keys_);
        (members,) = operators.committeeOf(committee_);
        dst = DataShareToken(market.shareToken());
        terms = defaultTerms();
        terms.liquidity = [uint64(WAD), 0, 0.6e18, 0.99e18][seed % 4];
        terms.trancheShare = [0, uint64(0.3e18)][(seed >> 8) % 2];
        terms.moneyUnit = [uint128(1), uint128(UNIT)][(seed >> 16) % 2];
        terms.cap = [uint64(1_000), 150][(seed >> 24) % 2];
        terms.reserve = [uint128(1e6), 300][(seed >> 32) % 2];
        terms.shareSupply = [uint64(1e12), 8e9, 0][(seed >> 40) % 3];
        terms.operatorFee = uint64((seed >> 48) % 9);
        terms.bidBond = uint96(1 + (seed >> 56) % 1 ether);
        terms.maxBids = MAX_BIDS;
        uint256 end = block.timestamp;
        terms.commitEnd = uint40(end += _length(seed, 64));
        terms.observeEnd = uint40(end += _length(seed, 72));
        terms.reportEnd = uint40(end += _length(seed, 80));
        terms.challengeEnd = uint40(end += _length(seed, 88));
        terms.revealEnd = uint40(end += _length(seed, 96));
        terms.settleEnd = uint40(end += _length(seed, 104));
        if ((seed >> 152) % 2 == 0) {
            setUpKeys();
            delivering(_length(seed, 128), _length(seed, 136), _length(seed, 144));
        }
        openRound();
        for (uint256 i; i < (seed >> 112) % MAX_BIDS; ++i) {
            _bid(uint256(keccak256(abi.encode(seed, i))));
        }
    }

    function _length(uint256 seed, uint256 shift) private pure returns (uint256) {
        return 10 minutes + (seed >> shift) % 10 minutes;
    }

    /* WHAT MAY HAPPEN NEXT */

    /// @notice A provider comes, changes its dataset or its cost.
    function bidding(uint256 seed) external {
        if (market.phase(round) != IDataMarket.Phase.Commit) return;
        if (bids.length < MAX_BIDS && seed % 4 != 0) return _bid(seed);
        if (bids.length == 0) return;
        uint256 i = (seed >> 8) % bids.length;
        bids[i].cost = (seed >> 16) % 200;
        bool another = (seed >> 104) % 2 == 0;
        if (another) bids[i].datasetRoot = leaves[i].datasetRoot = keccak256(abi.encode(seed));
        bytes32 sealedBid = sealOf(bids[i]);
        vm.prank(bids[i].provider);
        if (another) market.commit(round, sealedBid, bids[i].datasetRoot, 0);
        else market.reseal(round, sealedBid);
    }

    function _bid(uint256 seed) private {
        uint256 last = bid((seed >> 16) % 200, WAD - (seed >> 32) % WAD / 2, WAD - (seed >> 96) % WAD);
        if (terms.deliverEnd != 0) sealData(last);
        leaves[last].group = uint8((seed >> 160) % 2);
        leaves[last].status = uint8((seed >> 168) % 8 == 0 ? 1 : 0);
    }

    /// @notice Whatever brings the round on in its present phase.
    function advance(uint256 seed) external {
        IDataMarket.Phase now_ = market.phase(round);
        if (now_ == IDataMarket.Phase.Observe) _observe(seed);
        if (now_ == IDataMarket.Phase.Report) _report();
        if (now_ == IDataMarket.Phase.Challenge) _challenge(seed);
        if (now_ == IDataMarket.Phase.Reveal) _reveal(seed);
        if (now_ == IDataMarket.Phase.Settle) _settle(seed);
        if (now_ == IDataMarket.Phase.Claim) handOver(seed);
        if (now_ == IDataMarket.Phase.Void) _void();
    }

    function hasObserved(uint256 member) internal view override returns (bool) {
        return observed[member];
    }

    function _observe(uint256 seed) private {
        for (uint256 i; i < members.length; ++i) {
            if (observed[i] || (seed >> i) % 8 == 0) continue;
            observe(i);
            observed[i] = true;
        }
    }

    function _report() private {
        uint256 observers;
        for (uint256 i; i < members.length; ++i) {
            if (observed[i]) ++observers;
        }
        (, uint8 quorum) = operators.committeeOf(committeeId);
        if (observers >= quorum && !market.roundOf(round).reported) sendReport();
    }

    function _challenge(uint256 seed) private {
        if (challenged == Challenge.Open) {
            if (seed % 4 == 0) return;
            bytes32 id = market.roundOf(round).challengeId;
            // The same challenge with the same evidence comes again after it was dismissed: its ruling stands.
            bool ruled = operators.ruling(committeeId, id) != IArbitrator.Ruling.None;
            bool upheld = !ruled && seed % 2 == 0;
            if (!ruled) _rule(id, upheld);
            market.resolve(round);
            challenged = upheld ? Challenge.Upheld : Challenge.Closed;
        } else if (bids.length != 0 && seed % 8 == 0) {
            if (block.timestamp >= terms.reportEnd + (terms.challengeEnd - terms.reportEnd) / 2) return;
            uint256 i = (seed >> 8) % bids.length;
            vm.deal(STRANGER, STRANGER.balance + terms.challengeBond);
            bytes32[] memory proof = ScoreTree.proof(leaves, i);
            vm.prank(STRANGER);
            market.challenge{value: terms.challengeBond}(round, leaves[i], proof, bytes32(seed));
            challenged = Challenge.Open;
        }
    }

    function _rule(bytes32 id, bool upheld) private {
        bytes32 digest = operators.rulingDigest(committeeId, id, upheld);
        (address[] memory signers, bytes[] memory signed) = signatures(members.length, digest);
        operators.rule(committeeId, id, upheld, signers, signed);
    }

    function _reveal(uint256 seed) private {
        for (uint256 n; n < bids.length; ++n) {
            uint256 i = (n + seed) % bids.length;
            if (opened[i] || (seed >> (8 + i)) % 4 == 0) continue;
            reveal(i);
            opened[i] = true;
        }
    }

    /// @dev One batch of either auction, by one of two proposers.
    function _settle(uint256 seed) private {
        bool tranche = !market.roundOf(round).auctions[1].settled && auctioned(1).length != 0;
        uint256 group = tranche ? 1 : 0;
        (, uint256 total) = cashAndTotal();
        Clearing.Certificate memory c = tranche ? certificate(1, total * terms.trancheShare / WAD) : certificate();
        bytes memory all = records(group);
        address proposer = [STRANGER, address(this)][seed % 2];
        uint256 from = market.progressOf(round, group, proposer, c);
        uint256 to = from + 1 + (seed >> 8) % 8;
        if (to > all.length / 16) to = all.length / 16;
        vm.prank(proposer);
        market.settle(round, group, c, from, part(all, from, to));
        settled = market.roundOf(round).settled;
    }

    function _void() private {
        if (market.roundOf(round).voided) return;
        market.voidRound(round);
        if (challenged == Challenge.Open) challenged = Challenge.Closed;
    }

    /* PULLS */

    /// @notice Somebody is paid, if anybody is due anything.
    function pull(uint256 seed) public {
        if (seed % 4 == 0) _refund();
        else if (seed % 4 == 1) _fee((seed >> 8) % members.length);
        else if (bids.length != 0) _claim((seed >> 8) % bids.length);
        if (challenged == Challenge.Upheld && seed % 8 == 0) _challengeBond();
    }

    function _over() private view returns (bool) {
        return settled || market.phase(round) == IDataMarket.Phase.Void;
    }

    function _claim(uint256 i) private {
        if (!_over() || claimed[i] || (settled && !opened[i])) return;
        address provider = bids[i].provider;
        (uint256 reward, uint256 cash) = market.rewardOf(round, provider);
        assertTrue(settled || reward == 0, "nobody wins in a void round");
        (bool early, address payee, address bondTo) = dueTo(i);
        if (reward == 0) (early, payee, bondTo) = (false, provider, provider);
        if (early) {
            (bool ok,) = address(market).call(abi.encodeCall(market.claim, (round, provider)));
            return assertTrue(!ok, "paid for a key that may still be wrong");
        }
        uint256 units = _units(payee);
        _claimFor(provider, payee, bondTo, cash);
        if (market.revenueToken(round) != address(0)) assertEq(_units(payee), units + reward, "MUT units");
        claimed[i] = true;
        cashPaid += cash;
    }

    function _claimFor(address provider, address payee, address bondTo, uint256 cash) private {
        uint256 votes = dst.balanceOf(provider);
        (uint256 tokens, uint256 bond) = _paid(payee, bondTo, abi.encodeCall(market.claim, (round, provider)));
        assertEq(tokens, cash * terms.moneyUnit, "cash");
        assertEq(bond, terms.bidBond, "bond");
        if (payee != provider) assertEq(dst.balanceOf(provider), votes, "votes for a wrong key");
    }

    function _fee(uint256 i) private {
        if (block.timestamp < terms.observeEnd || !observed[i] || feePaid[i]) return;
        (uint256 tokens,) = _paid(members[i], members[i], abi.encodeCall(market.claimOperatorFee, (round, members[i])));
        assertEq(tokens, uint256(terms.operatorFee) * terms.moneyUnit, "fee");
        feePaid[i] = true;
    }

    function _refund() private {
        if (!_over()) return;
        _paid(PLANNER, PLANNER, abi.encodeCall(market.refund, (round)));
        refunded = true;
    }

    function _challengeBond() private {
        (, uint256 bond) = _paid(STRANGER, STRANGER, abi.encodeCall(market.claimChallengeBond, (round)));
        assertEq(bond, terms.challengeBond, "challenge bond");
        challenged = Challenge.Closed;
    }

    function _units(address holder) private view returns (uint256) {
        return market.revenueToken(round) == address(0) ? 0 : mut().balanceOf(holder);
    }

    /// @dev What a call pays to `payee` in tokens and to `bondTo` in wei. Once: the same call is tried again.
    function _paid(address payee, address bondTo, bytes memory call_) private returns (uint256 tokens, uint256 bond) {
        (uint256 before, uint256 beforeWei) = (DemoToken(token).balanceOf(payee), bondTo.balance);
        (bool ok,) = address(market).call(call_);
        assertTrue(ok, "not paid");
        (tokens, bond) = (DemoToken(token).balanceOf(payee) - before, bondTo.balance - beforeWei);
        paid += tokens;
        (ok,) = address(market).call(call_);
        assertEq(DemoToken(token).balanceOf(payee), before + tokens, "paid twice");
        assertEq(bondTo.balance, beforeWei + bond, "bond paid twice");
    }

    /* REVENUE */

    /// @notice Revenue comes in or goes out, or units change hands.
    function trade(uint256 seed) external {
        if (market.revenueToken(round) == address(0)) return;
        MarginalUtilityToken shares = mut();
        address holder = _owner(shares, (seed >> 8) % MAX_BIDS);
        if (seed % 3 == 0) {
            uint256 amount = 1 + (seed >> 16) % 1e9;
            DemoToken(token).mint(address(this), amount);
            DemoToken(token).approve(address(shares), amount);
            deposited += shares.deposit(amount);
        } else if (seed % 3 == 1) {
            _withdraw(shares, holder);
        } else {
            address to = _holder(seed >> 16);
            (uint256 earned, uint256 earnedBefore) = (shares.withdrawable(holder), shares.withdrawable(to));
            uint256 amount = (seed >> 32) % (shares.balanceOf(holder) + 1);
            vm.prank(holder);
            shares.transfer(to, amount);
            assertEq(shares.withdrawable(holder), earned, "the seller's past");
            assertEq(shares.withdrawable(to), earnedBefore, "the buyer's past");
        }
    }

    /// @dev Somebody who holds units, if anybody does.
    function _owner(MarginalUtilityToken shares, uint256 which) private view returns (address owner) {
        for (uint256 i; i < MAX_BIDS + 2; ++i) {
            owner = _holder(which + i);
            if (shares.balanceOf(owner) != 0) return owner;
        }
    }

    function _withdraw(MarginalUtilityToken shares, address holder) private {
        uint256 due = shares.withdrawable(holder);
        if (due == 0) return;
        uint256 before = DemoToken(token).balanceOf(holder);
        shares.withdraw(holder);
        assertEq(DemoToken(token).balanceOf(holder), before + due, "withdrawal");
        withdrawn += due;
    }

    function _holder(uint256 which) private pure returns (address) {
        which %= MAX_BIDS + 2;
        return which == 0 ? PLANNER : which == 1 ? STRANGER : providerAt(which - 2);
    }

    /* THE BOOKS */

    /// @notice Payment tokens that the market owes in this round, to whomever.
    function tokensOwed() external view returns (uint256) {
        (uint256 cash,) = cashAndTotal();
        uint256 rest = cash + MAX_BIDS - cashPaid;
        uint256 owed;
        for (uint256 i; i < bids.length; ++i) {
            (, uint256 due) = market.rewardOf(round, bids[i].provider);
            owed += due;
            rest -= due;
        }
        for (uint256 i; i < members.length; ++i) {
            if (!observed[i]) rest += terms.operatorFee;
            else if (!feePaid[i]) owed += terms.operatorFee;
        }
        return (refunded ? owed : owed + rest) * terms.moneyUnit;
    }

    /// @notice Bonds that the market holds in this round.
    function bondsOwed() external view returns (uint256 owed) {
        for (uint256 i; i < bids.length; ++i) {
            if (!claimed[i] && (opened[i] || !settled)) owed += terms.bidBond;
        }
        if (challenged == Challenge.Open || challenged == Challenge.Upheld) owed += terms.challengeBond;
    }

    /// @notice What holds of this round alone.
    function check() external view {
        (uint256 cash, uint256 total) = cashAndTotal();
        assertTrue(paid <= escrow(), "paid within the escrow");
        assertTrue(cashPaid <= cash + bids.length, "cash within L, and a unit for each");
        assertTrue(dst.mintedIn(round) <= terms.shareSupply, "DST within the supply");
        IDataMarket.RoundState memory s = market.roundOf(round);
        assertTrue(s.totalReward <= total, "rewards within R");
        if (cash == total) return;
        MarginalUtilityToken shares = mut();
        assertTrue(shares.totalSupply() <= total, "MUT within R");
        uint256 open;
        for (uint256 i; i < MAX_BIDS + 2; ++i) {
            open += shares.withdrawable(_holder(i));
        }
        assertTrue(withdrawn + open <= deposited, "revenue within the deposits");
        assertEq(DemoToken(token).balanceOf(address(shares)), deposited - withdrawn, "revenue held");
    }

    /// @notice Long after all deadlines: everybody takes what is theirs.
    function wrapUp() external {
        if (challenged == Challenge.Open) _void();
        if (challenged == Challenge.Upheld) _challengeBond();
        for (uint256 i; i < members.length; ++i) {
            _fee(i);
        }
        if (!refunded) _refund();
        for (uint256 i; i < bids.length; ++i) {
            _claim(i);
        }
        (uint256 cash, uint256 total) = cashAndTotal();
        assertEq(paid, escrow(), "all of the escrow");
        if (cash == total) return;
        MarginalUtilityToken shares = mut();
        assertEq(shares.totalSupply(), total, "every unit is somebody's");
        for (uint256 i; i < MAX_BIDS + 2; ++i) {
            _withdraw(shares, _holder(i));
        }
        assertTrue(withdrawn <= deposited && deposited - withdrawn < MAX_BIDS + 2, "revenue, but for fractions");
    }
}
