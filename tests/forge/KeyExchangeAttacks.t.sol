// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DataMarket} from "../../contracts/DataMarket.sol";
import {IDataMarket} from "../../contracts/interfaces/IDataMarket.sol";
import {IKeyExchange} from "../../contracts/interfaces/IKeyExchange.sol";
import {Bn254} from "../../contracts/libraries/Bn254.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {DeliveryFixture} from "./utils/DeliveryFixture.sol";

/// @notice Proofs, masks and deliveries brought from elsewhere; each test fails without the one line against it.
contract KeyExchangeAttacksTest is DeliveryFixture {
    uint256 private constant STRUCK = uint256(IKeyExchange.State.Reversed);
    address private constant STRANGER = address(0xE4E);
    uint256 private honest;
    uint256 private thief;

    /// @dev Two winners in a settled round; the last member did not observe.
    function setUp() public {
        setUpDelivery();
        openRound();
        honest = offer(100, WAD);
        thief = offer(150, WAD);
        vm.warp(terms.commitEnd);
        for (uint256 i; i < members.length - 1; ++i) {
            observe(i);
        }
        postReport();
        revealAll();
        settle();
        vm.warp(terms.settleEnd);
    }

    function stateOf(uint256 index) private view returns (uint256) {
        return uint256(exchange.deliveryOf(round, bids[index].provider).state);
    }

    /// @dev What the thief sends, under the words of its own dataset, so that only the proof of r can tell.
    function asOwn(IKeyExchange.Parcel memory p) private view returns (IKeyExchange.Parcel memory) {
        p.contentHash = contentOf(thief);
        p.keyCommit = keyCommit(bids[thief].provider, contentOf(thief), keyOf(thief));
        return p;
    }

    /* DELIVERIES THAT ARE NOT THEIR SENDER'S */

    /// @dev R = u * R' would have the planner publish S = u * S', and with it the honest winner's key.
    function test_disguisedCopy() public {
        IKeyExchange.Parcel memory p = good(honest);
        deliver(honest, p);
        p.ephemeral = times(12_345, p.ephemeral);
        deliver(thief, asOwn(p));
        refute(thief, p);
        assertEq(stateOf(thief), STRUCK, "struck, and nothing opened");
    }

    /// @dev The same R with its own proof: the proof names whom it is for.
    function test_copiedDelivery() public {
        IKeyExchange.Parcel memory p = good(honest);
        deliver(honest, p);
        deliver(thief, asOwn(p));
        refute(thief, p);
        assertEq(stateOf(thief), STRUCK, "for another provider");
    }

    /// @dev Made by the winner, sent by an operator that saw it: the proof names its deliverer.
    function test_copiedAsBounty() public {
        IKeyExchange.Parcel memory p = good(honest);
        vm.warp(terms.deliverEnd);
        vm.prank(members[0]);
        exchange.deliver(round, bids[honest].provider, p);
        refute(honest, p);
        assertEq(stateOf(honest), 0, "open again");
        deliver(honest, p);
    }

    /// @dev What an operator made itself stands, as a winner's own does.
    function test_honestBountyIsIrrefutable() public {
        IKeyExchange.Parcel memory p = parcel(bids[honest].provider, members[0], keyOf(honest), 31);
        vm.warp(terms.deliverEnd);
        vm.prank(members[0]);
        exchange.deliver(round, bids[honest].provider, p);
        vm.expectRevert(Errors.Irrefutable.selector);
        this.refuteIt(p);
    }

    function test_deliveryOfAnotherRound() public {
        IKeyExchange.Parcel memory p = good(honest);
        uint256 own = round;
        round = own + 1;
        (p.challenge, p.response) = making(bids[honest].provider, bids[honest].provider, p.ephemeral, 7919 + honest);
        round = own;
        deliver(honest, p);
        refute(honest, p);
        assertEq(stateOf(honest), STRUCK, "for another round");
    }

    function test_deliveryOfAnotherChain() public {
        IKeyExchange.Parcel memory p = good(honest);
        uint256 own = block.chainid;
        vm.chainId(own + 1);
        (p.challenge, p.response) = making(bids[honest].provider, bids[honest].provider, p.ephemeral, 7919 + honest);
        vm.chainId(own);
        deliver(honest, p);
        refute(honest, p);
        assertEq(stateOf(honest), STRUCK, "for another chain");
    }

    function test_deliveryOfASibling() public {
        (DataMarket own, IKeyExchange ownExchange) = (market, exchange);
        IKeyExchange.Parcel memory p = good(honest);
        exchange = new DataMarket(operators).exchange();
        (p.challenge, p.response) = making(bids[honest].provider, bids[honest].provider, p.ephemeral, 7919 + honest);
        (market, exchange) = (own, ownExchange);
        deliver(honest, p);
        refute(honest, p);
        assertEq(stateOf(honest), STRUCK, "for another exchange");
    }

    /// @dev Root and key of somebody else, were they scored: the root names its provider.
    function test_copiedRoot() public {
        vm.warp(1_800_000_000);
        openRound();
        honest = offer(100, WAD);
        thief = offer(150, WAD);
        bytes32 root = sealedRoot(honest);
        bids[thief].datasetRoot = leaves[thief].datasetRoot = root;
        bytes32 sealedBid = sealOf(bids[thief]);
        vm.prank(bids[thief].provider);
        market.commit(round, sealedBid, root, 0);
        score();
        revealAll();
        settle();
        vm.warp(terms.settleEnd);
        address provider = bids[thief].provider;
        IKeyExchange.Parcel memory p = parcel(provider, provider, keyOf(honest), 31);
        p.contentHash = contentOf(honest);
        p.keyCommit = keyCommit(bids[honest].provider, p.contentHash, keyOf(honest));
        deliver(thief, p);
        refute(thief, p);
        assertEq(stateOf(thief), STRUCK, "another's data");
    }

    /* KEYS OF OTHERS */

    function test_possessionOfAnotherChain() public {
        uint256 own = block.chainid;
        vm.chainId(own + 1);
        (uint256 challenge, uint256 response) = possession(STRANGER, 5);
        vm.chainId(own);
        vm.prank(STRANGER);
        vm.expectRevert(Errors.InvalidProof.selector);
        exchange.registerDeliveryKey(times5(), challenge, response);
    }

    function test_possessionAtASibling() public {
        IKeyExchange own = exchange;
        exchange = new DataMarket(operators).exchange();
        (uint256 challenge, uint256 response) = possession(STRANGER, 5);
        vm.prank(STRANGER);
        vm.expectRevert(Errors.InvalidProof.selector);
        own.registerDeliveryKey(times5(), challenge, response);
    }

    function times5() private pure returns (Bn254.Point memory) {
        return Bn254.Point(
            10744596414106452074759370245733544594153395043370666422502510773307029471145,
            848677436511517736191562425154572367705380862894644942948681172815252343932
        );
    }

    /* DISPUTES */

    /// @dev S = x * R for another R: the proof is over the delivery's own.
    function test_sharedPointOfAnotherDelivery() public {
        deliver(honest, good(honest));
        IKeyExchange.Parcel memory other = good(thief);
        IKeyExchange.Dispute memory d = disputeOf(good(honest));
        d.shared = times(SECRET, other.ephemeral);
        (d.challenge, d.response) = equality(other.ephemeral, d.shared, SECRET);
        vm.expectRevert(Errors.InvalidProof.selector);
        dispute(honest, d, 0);
    }

    /// @dev A good key is good whatever the planner would like to say of its dataset.
    function test_disputeUnderOtherWords() public {
        deliver(honest, good(honest));
        IKeyExchange.Dispute memory d = disputeOf(good(honest));
        d.parcel.keyCommit = keccak256("another commitment");
        vm.expectRevert(Errors.NotDelivered.selector);
        dispute(honest, d, 0);
        d = disputeOf(good(honest));
        d.parcel.contentHash = keccak256("other content");
        vm.expectRevert(Errors.NotDelivered.selector);
        dispute(honest, d, 0);
    }

    /// @dev What was accepted cannot be taken back, though the window is still open.
    function test_acceptedIsFinal() public {
        address provider = bids[honest].provider;
        IKeyExchange.Parcel memory p = parcel(provider, provider, keccak256("no such key"), 31);
        deliver(honest, p);
        vm.prank(PLANNER);
        exchange.accept(round, provider);
        IKeyExchange.Dispute memory d = disputeOf(p);
        vm.expectRevert(Errors.NotDelivered.selector);
        dispute(honest, d, 0);
    }

    function test_refutedTooLate() public {
        IKeyExchange.Parcel memory p = good(honest);
        p.challenge ^= 1;
        deliver(honest, p);
        vm.warp(block.timestamp + terms.disputeWindow);
        vm.expectRevert(Errors.NotDelivered.selector);
        this.refuteIt(p);
    }

    function refuteIt(IKeyExchange.Parcel memory p) external {
        refute(honest, p);
    }

    /// @dev After an operator's wrong key a claim must wait again, and the next one's key is its own.
    function test_struckBountyPaysNobody() public {
        address provider = bids[honest].provider;
        vm.warp(terms.deliverEnd);
        IKeyExchange.Parcel memory p = parcel(provider, members[0], keccak256("no such key"), 31);
        vm.prank(members[0]);
        exchange.deliver(round, provider, p);
        dispute(honest, disputeOf(p), 0);
        vm.expectRevert(Errors.NotAccepted.selector);
        market.claim(round, provider);
        deliver(honest, good(honest));
        vm.warp(block.timestamp + terms.disputeWindow);
        uint256 bond = members[0].balance;
        market.claim(round, provider);
        assertEq(members[0].balance, bond, "the bond is the winner's");
        assertEq(provider.balance, terms.bidBond, "the bond");
    }

    /// @dev Only who was seen to have scored it may know the key.
    function test_bountyWithoutObservation() public {
        address absent = members[members.length - 1];
        address provider = bids[honest].provider;
        IKeyExchange.Parcel memory p = parcel(provider, absent, keyOf(honest), 31);
        vm.warp(terms.deliverEnd);
        vm.prank(absent);
        vm.expectRevert(Errors.NotDeliverer.selector);
        exchange.deliver(round, provider, p);
    }

    /* EVENTS */

    function test_events() public {
        address provider = bids[honest].provider;
        (uint256 challenge, uint256 response) = possession(STRANGER, 5);
        vm.prank(STRANGER);
        vm.expectEmit(address(exchange));
        emit IKeyExchange.DeliveryKeyRegistered(STRANGER, times5().x, times5().y);
        exchange.registerDeliveryKey(times5(), challenge, response);
        vm.expectEmit(address(exchange));
        emit IKeyExchange.EncryptionKeyRegistered(OWNER, keccak256("x25519"));
        registerEncryptionKey(keccak256("x25519"));

        IKeyExchange.Parcel memory p = good(honest);
        vm.expectEmit(address(exchange));
        emit IKeyExchange.Delivered(round, provider, p);
        deliver(honest, p);
        IKeyExchange.Dispute memory d = disputeOf(p);
        vm.expectEmit(address(exchange));
        emit IKeyExchange.Disputed(round, provider, true, d.shared);
        dispute(honest, d, terms.challengeBond);

        provider = bids[thief].provider;
        p = good(thief);
        p.challenge ^= 1;
        deliver(thief, p);
        vm.expectEmit(address(exchange));
        emit IKeyExchange.Refuted(round, provider);
        refute(thief, p);
        vm.expectEmit(address(market));
        emit IDataMarket.Reversed(round, provider);
        market.claim(round, provider);
    }

    function test_acceptedEvent() public {
        deliver(honest, good(honest));
        vm.prank(PLANNER);
        vm.expectEmit(address(exchange));
        emit IKeyExchange.Accepted(round, bids[honest].provider);
        exchange.accept(round, bids[honest].provider);
        assertEq(
            uint256(exchange.deliveryOf(round, bids[honest].provider).disputeEnd), block.timestamp + 1 hours, "end"
        );
        assertEq(address(exchange.market()), address(market), "its market");
    }
}
