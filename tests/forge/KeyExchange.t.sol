// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DemoToken} from "../../contracts/examples/DemoToken.sol";
import {IDataMarket} from "../../contracts/interfaces/IDataMarket.sol";
import {IKeyExchange} from "../../contracts/interfaces/IKeyExchange.sol";
import {Bn254} from "../../contracts/libraries/Bn254.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {DeliveryFixture} from "./utils/DeliveryFixture.sol";
import {ScoreTree} from "./utils/ScoreTree.sol";

contract KeyExchangeTest is DeliveryFixture {
    uint256 private constant WRONG_KEY_DELIVERED = uint256(IKeyExchange.State.Reversed);
    address private constant STRANGER = address(0xE4E);
    uint256 private first;
    uint256 private second;
    uint256 private loser;

    /// @dev Two winners and a loser in a settled round.
    function setUp() public {
        setUpDelivery();
        openRound();
        first = offer(100, WAD);
        second = offer(150, WAD);
        loser = offer(900, WAD);
        score();
        revealAll();
        settle();
        vm.warp(terms.settleEnd);
        (uint256 reward,) = market.rewardOf(round, bids[loser].provider);
        assertEq(reward, 0, "the loser");
    }

    function providerOf(uint256 index) private view returns (address) {
        return bids[index].provider;
    }

    function stateOf(uint256 index) private view returns (uint256) {
        return uint256(exchange.deliveryOf(round, providerOf(index)).state);
    }

    function cashOf(uint256 index) private view returns (uint256 cash) {
        (, cash) = market.rewardOf(round, providerOf(index));
        return cash * terms.moneyUnit;
    }

    function balance(address who) private view returns (uint256) {
        return DemoToken(token).balanceOf(who);
    }

    function wrong(uint256 index) private view returns (IKeyExchange.Parcel memory) {
        return parcel(providerOf(index), providerOf(index), keccak256("no such key"), 104_729 + index);
    }

    function paysTheProvider(uint256 index) private {
        address provider = providerOf(index);
        (uint256 cash, uint256 bond) = (cashOf(index), provider.balance);
        (uint256 reward,) = market.rewardOf(round, provider);
        market.claim(round, provider);
        assertEq(balance(provider), cash, "cash");
        assertEq(mut().balanceOf(provider), reward, "units");
        assertEq(dst.balanceOf(provider), leaves[index].shares, "shares");
        assertEq(provider.balance, bond + terms.bidBond, "bond");
    }

    /// @dev The reward goes to the planner, the bond to nobody; the other winner is paid as if nothing had happened.
    function paysThePlanner(uint256 index) private {
        (uint256 cash, uint256 before, uint256 burned) = (cashOf(index), balance(PLANNER), BURN.balance);
        (uint256 reward,) = market.rewardOf(round, providerOf(index));
        uint256 others = cashOf(index == first ? second : first);
        market.claim(round, providerOf(index));
        assertEq(balance(PLANNER), before + cash, "cash");
        assertEq(mut().balanceOf(PLANNER), reward, "units");
        assertEq(dst.balanceOf(providerOf(index)), 0, "shares");
        assertEq(BURN.balance, burned + terms.bidBond, "bond");
        assertEq(cashOf(index == first ? second : first), others, "the other reward stands");
    }

    /* PATHS */

    function test_planner_accepts() public {
        deliver(first, good(first));
        vm.expectRevert(Errors.NotAccepted.selector);
        market.claim(round, providerOf(first));
        vm.prank(PLANNER);
        exchange.accept(round, providerOf(first));
        paysTheProvider(first);
        assertEq(uint256(exchange.deliveryOf(round, providerOf(second)).state), 0, "one at a time");
    }

    function test_planner_silent() public {
        deliver(first, good(first));
        vm.warp(block.timestamp + terms.disputeWindow - 1);
        vm.expectRevert(Errors.NotAccepted.selector);
        market.claim(round, providerOf(first));
        vm.warp(block.timestamp + 1);
        paysTheProvider(first);
        IKeyExchange.Dispute memory d = disputeOf(wrong(first));
        vm.expectRevert(Errors.NotDelivered.selector);
        dispute(first, d, 0);
    }

    function test_wrong_key() public {
        deliver(first, wrong(first));
        deliver(second, good(second));
        dispute(first, disputeOf(wrong(first)), 0);
        assertEq(stateOf(first), WRONG_KEY_DELIVERED, "reversed");
        paysThePlanner(first);
        vm.warp(block.timestamp + terms.disputeWindow);
        paysTheProvider(second);
        vm.expectRevert(Errors.NothingDue.selector);
        market.claim(round, providerOf(first));
    }

    function test_dispute_over_a_good_key() public {
        deliver(first, good(first));
        IKeyExchange.Dispute memory d = disputeOf(good(first));
        vm.expectRevert(Errors.WrongBond.selector);
        dispute(first, d, 0);
        uint256 burned = BURN.balance;
        dispute(first, d, terms.challengeBond);
        assertEq(BURN.balance, burned + terms.challengeBond, "the planner's bond");
        paysTheProvider(first);
    }

    function test_wrong_key_takes_no_bond() public {
        deliver(first, wrong(first));
        IKeyExchange.Dispute memory d = disputeOf(wrong(first));
        uint256 bond = terms.challengeBond;
        vm.expectRevert(Errors.WrongBond.selector);
        dispute(first, d, bond);
    }

    function test_silent_winner_and_silent_operators() public {
        vm.warp(terms.bountyEnd - 1);
        vm.expectRevert(Errors.NotAccepted.selector);
        market.claim(round, providerOf(first));
        vm.warp(terms.bountyEnd);
        IKeyExchange.Parcel memory p = good(first);
        vm.expectRevert(Errors.DeliveryClosed.selector);
        deliver(first, p);
        paysThePlanner(first);
    }

    function test_bounty() public {
        address operator = members[2];
        address provider = providerOf(first);
        IKeyExchange.Parcel memory p = parcel(provider, operator, keyOf(first), 31);
        vm.warp(terms.deliverEnd - 1);
        vm.prank(operator);
        vm.expectRevert(Errors.NotDeliverer.selector);
        exchange.deliver(round, provider, p);
        vm.warp(terms.deliverEnd);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(Errors.NotAMember.selector, STRANGER));
        exchange.deliver(round, provider, p);
        vm.prank(operator);
        exchange.deliver(round, provider, p);
        vm.warp(block.timestamp + terms.disputeWindow);
        (uint256 cash, uint256 bond) = (cashOf(first), operator.balance);
        market.claim(round, provider);
        assertEq(balance(provider), cash, "the winner's reward");
        assertEq(operator.balance, bond + terms.bidBond, "the bounty");
    }

    /// @dev Code that reverts on whatever it is sent.
    function test_an_operator_that_refuses_ether_holds_up_nobody() public {
        address operator = members[2];
        address provider = providerOf(first);
        IKeyExchange.Parcel memory p = parcel(provider, operator, keyOf(first), 31);
        vm.warp(terms.deliverEnd);
        vm.prank(operator);
        exchange.deliver(round, provider, p);
        vm.etch(operator, hex"5f5ffd");
        vm.warp(block.timestamp + terms.disputeWindow);
        (uint256 cash, uint256 bond) = (cashOf(first), operator.balance);
        market.claim(round, provider);
        assertEq(balance(provider), cash, "the winner's reward");
        assertEq(operator.balance, bond + terms.bidBond, "the bounty all the same");
    }

    function test_wrong_bounty_is_struck_and_reopened() public {
        address provider = providerOf(first);
        IKeyExchange.Parcel memory p = parcel(provider, members[1], keccak256("no such key"), 31);
        vm.warp(terms.deliverEnd);
        vm.prank(members[1]);
        exchange.deliver(round, provider, p);
        dispute(first, disputeOf(p), 0);
        assertEq(stateOf(first), uint256(IKeyExchange.State.None), "open again");
        p = parcel(provider, members[3], keyOf(first), 37);
        vm.prank(members[3]);
        exchange.deliver(round, provider, p);
        vm.warp(block.timestamp + terms.disputeWindow);
        uint256 bond = members[3].balance;
        market.claim(round, provider);
        assertEq(members[3].balance, bond + terms.bidBond, "the second one's bounty");
    }

    function test_late_winner() public {
        vm.warp(terms.bountyEnd - 1);
        deliver(first, good(first));
        vm.warp(block.timestamp + terms.disputeWindow);
        paysTheProvider(first);
    }

    function test_losers_wait_for_nothing() public {
        uint256 before = providerOf(loser).balance;
        market.claim(round, providerOf(loser));
        assertEq(providerOf(loser).balance, before + terms.bidBond, "bond");
    }

    /* WHAT IS REFUSED */

    /// @dev Nobody else can give a loser's key away; what it does itself is its own affair, and pays nothing.
    function test_losers_keys_stay_closed() public {
        address provider = providerOf(loser);
        IKeyExchange.Parcel memory p = parcel(provider, members[0], keyOf(loser), 41);
        vm.warp(terms.deliverEnd);
        vm.prank(members[0]);
        vm.expectRevert(Errors.NothingDue.selector);
        exchange.deliver(round, provider, p);
    }

    function test_from_the_end_of_the_settle_phase_on() public {
        IKeyExchange.Parcel memory p = good(first);
        vm.warp(terms.settleEnd - 1);
        vm.expectRevert(Errors.DeliveryClosed.selector);
        deliver(first, p);
        vm.warp(1_800_000_000);
        terms.deliverEnd = terms.bountyEnd = terms.disputeWindow = 0;
        openRound();
        uint256 index = offer(100, WAD);
        p = good(index);
        vm.warp(terms.settleEnd);
        vm.expectRevert(Errors.DeliveryClosed.selector);
        deliver(index, p);
    }

    function test_only_the_winner_delivers() public {
        IKeyExchange.Parcel memory p = good(first);
        address provider = providerOf(first);
        vm.prank(STRANGER);
        vm.expectRevert(Errors.NotDeliverer.selector);
        exchange.deliver(round, provider, p);
    }

    function test_once() public {
        deliver(first, good(first));
        IKeyExchange.Parcel memory p = wrong(first);
        vm.expectRevert(Errors.AlreadyDelivered.selector);
        deliver(first, p);
    }

    function test_after_a_reversal_nothing_comes() public {
        deliver(first, wrong(first));
        dispute(first, disputeOf(wrong(first)), 0);
        IKeyExchange.Parcel memory p = good(first);
        vm.expectRevert(Errors.AlreadyDelivered.selector);
        deliver(first, p);
    }

    function test_points_off_the_curve() public {
        Bn254.Point[4] memory bad =
            [Bn254.Point(0, 0), Bn254.Point(1, 3), Bn254.Point(1 + Bn254.FIELD, 2), Bn254.Point(1, 2 + Bn254.FIELD)];
        for (uint256 i; i < bad.length; ++i) {
            IKeyExchange.Parcel memory p = good(first);
            p.ephemeral = bad[i];
            vm.expectRevert(Errors.NotOnCurve.selector);
            deliver(first, p);
            vm.expectRevert(Errors.NotOnCurve.selector);
            exchange.registerDeliveryKey(bad[i], 0, 0);
        }
    }

    function test_forged_shared_point() public {
        deliver(first, good(first));
        IKeyExchange.Dispute memory d = disputeOf(good(first));
        d.shared = times(SECRET + 1, d.parcel.ephemeral);
        vm.expectRevert(Errors.InvalidProof.selector);
        dispute(first, d, 0);
        (d.challenge, d.response) = equality(d.parcel.ephemeral, d.shared, SECRET);
        vm.expectRevert(Errors.InvalidProof.selector);
        dispute(first, d, 0);
        d.shared = Bn254.Point(0, 0);
        vm.expectRevert(Errors.NotOnCurve.selector);
        dispute(first, d, 0);
    }

    function test_dispute_over_something_else() public {
        deliver(first, good(first));
        bytes4 other = Errors.NotDelivered.selector;
        IKeyExchange.Dispute memory d = disputeOf(good(first));
        d.parcel.sealedKey ^= bytes32(uint256(1));
        vm.expectRevert(other);
        dispute(first, d, 0);
        d = disputeOf(good(first));
        d.parcel.response ^= 1;
        vm.expectRevert(other);
        dispute(first, d, 0);
        d = disputeOf(good(first));
        d.key = times(3, planners);
        vm.expectRevert(other);
        dispute(first, d, 0);
        d = disputeOf(good(first));
        vm.expectRevert(other);
        dispute(second, d, 0);
        d = disputeOf(good(first));
        vm.expectRevert(other);
        exchange.dispute(round, providerOf(first), d); // not the planner
    }

    /// @dev The parcel names what its key has to open; the report says whether that is what was scored.
    function test_a_delivery_of_another_dataset_is_refuted() public {
        IKeyExchange.Parcel memory p = good(first);
        p.contentHash = keccak256("other content");
        p.keyCommit = keyCommit(providerOf(first), p.contentHash, keyOf(first));
        deliver(first, p);
        refute(first, p);
        paysThePlanner(first);
        p = good(second);
        p.keyCommit = keccak256("no commitment");
        deliver(second, p);
        refute(second, p);
        assertEq(stateOf(second), WRONG_KEY_DELIVERED, "reversed");
    }

    function test_refuted_by_a_leaf_that_was_not_reported() public {
        IKeyExchange.Parcel memory p = good(first);
        deliver(first, p);
        bytes32[] memory proof = ScoreTree.proof(leaves, first);
        leaves[first].datasetRoot = keccak256("another root");
        vm.prank(PLANNER);
        vm.expectRevert(Errors.InvalidProof.selector);
        exchange.refute(round, terms.deliveryKey, p, leaves[first], proof);
    }

    /// @dev R = u * R' out of the first winner's delivery: opening it would open that one's.
    function test_a_delivery_made_of_anothers_is_refuted() public {
        IKeyExchange.Parcel memory honest = good(first);
        deliver(first, honest);
        IKeyExchange.Parcel memory stolen = honest;
        stolen.ephemeral = times(12_345, honest.ephemeral);
        deliver(second, stolen);
        refute(second, stolen);
        assertEq(stateOf(second), WRONG_KEY_DELIVERED, "reversed");
        paysThePlanner(second);
    }

    function test_an_honest_delivery_cannot_be_refuted() public {
        IKeyExchange.Parcel memory p = good(first);
        deliver(first, p);
        bytes32[] memory proof = ScoreTree.proof(leaves, first);
        vm.expectRevert(Errors.Irrefutable.selector);
        vm.prank(PLANNER);
        exchange.refute(round, terms.deliveryKey, p, leaves[first], proof);
        vm.expectRevert(Errors.NotDelivered.selector);
        exchange.refute(round, terms.deliveryKey, p, leaves[first], proof);
    }

    /// @dev Taken out of the mempool: the proof names its deliverer.
    function test_a_copied_bounty_delivery_is_refuted() public {
        address provider = providerOf(first);
        IKeyExchange.Parcel memory p = parcel(provider, members[1], keyOf(first), 31);
        vm.warp(terms.deliverEnd);
        vm.prank(members[2]);
        exchange.deliver(round, provider, p);
        refute(first, p);
        assertEq(stateOf(first), uint256(IKeyExchange.State.None), "open again");
    }

    function test_accept_is_the_planners() public {
        deliver(first, good(first));
        address provider = providerOf(first);
        vm.expectRevert(Errors.NotPlanner.selector);
        exchange.accept(round, provider);
        vm.prank(PLANNER);
        address silent = providerOf(second);
        vm.expectRevert(Errors.NotDelivered.selector);
        exchange.accept(round, silent);
    }

    /* KEYS AND TERMS */

    function test_possession() public {
        (uint256 challenge, uint256 response) = possession(STRANGER, 5);
        Bn254.Point memory key = times(5, Bn254.generator());
        vm.expectRevert(Errors.InvalidProof.selector);
        exchange.registerDeliveryKey(key, challenge, response); // for somebody else
        vm.prank(STRANGER);
        vm.expectRevert(Errors.InvalidProof.selector);
        exchange.registerDeliveryKey(planners, challenge, response); // of another key
        vm.prank(STRANGER);
        exchange.registerDeliveryKey(key, challenge, response);
        assertEq(exchange.deliveryKeyOf(STRANGER), keccak256(abi.encode(key)), "registered");
    }

    function test_encryption_key() public {
        bytes32 key = keccak256("x25519");
        (bytes32 r, bytes32 vs) = signedKey(OWNER_SECRET, OWNER, key);
        vm.prank(OWNER);
        exchange.registerEncryptionKey(key, r, vs);
        (bytes32 kept, bytes32 keptR, bytes32 keptVs) = exchange.encryptionKeyOf(OWNER);
        assertEq(kept, key, "registered");
        assertEq(keccak256(abi.encode(keptR, keptVs)), keccak256(abi.encode(r, vs)), "with its signature");
        (kept,,) = exchange.encryptionKeyOf(STRANGER);
        assertEq(kept, 0, "nobody else's");
    }

    function test_encryption_key_is_replaced() public {
        registerEncryptionKey(keccak256("first"));
        registerEncryptionKey(keccak256("second"));
        (bytes32 kept,,) = exchange.encryptionKeyOf(OWNER);
        assertEq(kept, keccak256("second"), "the newest");
    }

    /// @dev Zero reads as "none registered".
    function test_zero_is_no_encryption_key() public {
        (bytes32 r, bytes32 vs) = signedKey(OWNER_SECRET, OWNER, 0);
        vm.prank(OWNER);
        vm.expectRevert(Errors.ZeroKey.selector);
        exchange.registerEncryptionKey(0, r, vs);
    }

    function test_encryption_key_is_signed_by_its_owner() public {
        bytes32 key = keccak256("x25519");
        bytes memory notHis = abi.encodeWithSelector(Errors.InvalidSignature.selector, OWNER);
        (bytes32 r, bytes32 vs) = signedKey(OWNER_SECRET + 1, OWNER, key);
        vm.prank(OWNER);
        vm.expectRevert(notHis); // by somebody else
        exchange.registerEncryptionKey(key, r, vs);
        (r, vs) = signedKey(OWNER_SECRET, STRANGER, key);
        vm.prank(OWNER);
        vm.expectRevert(notHis); // for somebody else
        exchange.registerEncryptionKey(key, r, vs);
        (r, vs) = signedKey(OWNER_SECRET, OWNER, keccak256("another"));
        vm.prank(OWNER);
        vm.expectRevert(notHis); // of another key
        exchange.registerEncryptionKey(key, r, vs);
        vm.prank(OWNER);
        vm.expectRevert(notHis); // by nobody
        exchange.registerEncryptionKey(key, 0, 0);
        (r, vs) = signedKey(OWNER_SECRET, OWNER, key);
        vm.prank(STRANGER);
        vm.expectRevert(abi.encodeWithSelector(Errors.InvalidSignature.selector, STRANGER)); // the owner's own, copied
        exchange.registerEncryptionKey(key, r, vs);
    }

    /// @dev A planner that rotates its key cannot keep winners from delivering: the round has its own.
    function test_rotation_leaves_running_rounds_alone() public {
        registerKey(PLANNER, 99);
        deliver(first, wrong(first));
        dispute(first, disputeOf(wrong(first)), 0);
        assertEq(stateOf(first), WRONG_KEY_DELIVERED, "under the key of the terms");
    }

    function test_terms() public {
        terms.deliveryKey = keccak256("another");
        refused(Errors.DeliveryKeyNotRegistered.selector);
        terms.deliveryKey = 0;
        refused(Errors.DeliveryKeyNotRegistered.selector);
        terms.deliveryKey = exchange.deliveryKeyOf(PLANNER);
        terms.deliverEnd = terms.settleEnd + 1;
        refused(Errors.PhaseTooShort.selector);
        terms.deliverEnd = terms.settleEnd + 1 hours;
        terms.bountyEnd = terms.deliverEnd + 1;
        refused(Errors.PhaseTooShort.selector);
        terms.bountyEnd = terms.deliverEnd + 1 hours;
        terms.disputeWindow = 1;
        refused(Errors.PhaseTooShort.selector);
    }

    function refused(bytes4 why) private {
        IDataMarket.Terms memory t = terms;
        vm.warp(1_800_000_000);
        vm.prank(PLANNER);
        vm.expectRevert(why);
        market.open(t);
    }

    function test_terms_need_a_registered_key() public {
        terms.planner = STRANGER;
        terms.deliveryKey = 0;
        vm.warp(1_800_000_000);
        IDataMarket.Terms memory t = terms;
        vm.prank(STRANGER);
        vm.expectRevert(Errors.DeliveryKeyNotRegistered.selector);
        market.open(t);
    }
}
