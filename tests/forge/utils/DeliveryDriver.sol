// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IKeyExchange} from "../../../contracts/interfaces/IKeyExchange.sol";
import {DeliveryFixture} from "./DeliveryFixture.sol";

/// @notice What winners, operators and the planner do about keys in a settled round, by a seed; and who is paid by that.
/// Some winners are never heard of again, for some an operator delivers; keys are good, wrong or not of their sender's
/// making; the planner accepts, disputes, refutes, or says nothing.
abstract contract DeliveryDriver is DeliveryFixture {
    enum Fate {
        Awaited,
        Delivered,
        Accepted,
        Reversed
    }

    enum Kind {
        Good,
        Wrong,
        Stolen
    }

    struct Handover {
        Fate fate;
        Kind kind;
        address operator; // if one delivered
        uint256 windowEnd;
    }

    mapping(uint256 index => Handover) private handovers;
    mapping(uint256 index => IKeyExchange.Parcel) private parcels;

    function hasObserved(uint256 member) internal view virtual returns (bool);

    /// @dev Of a round that is settled.
    function handOver(uint256 seed) internal {
        if (terms.deliverEnd == 0 || block.timestamp < terms.settleEnd) return;
        for (uint256 i; i < bids.length; ++i) {
            (uint256 reward,) = market.rewardOf(round, bids[i].provider);
            if (reward == 0) continue; // lost, or was paid
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            if (handovers[i].fate == Fate.Awaited) _send(i, word);
            else if (handovers[i].fate == Fate.Delivered) _answer(i, word);
        }
    }

    function _send(uint256 i, uint256 seed) private {
        uint256 character = uint256(keccak256(abi.encode(round, i))) % 4;
        bool bounty = character == 1;
        if (character == 0 || seed % 2 == 0 || block.timestamp >= terms.bountyEnd) return;
        if (bounty && block.timestamp < terms.deliverEnd) return;
        address provider = bids[i].provider;
        address sender = bounty ? _observer(seed >> 8) : provider;
        Handover storage h = handovers[i];
        h.kind = [Kind.Good, Kind.Good, Kind.Wrong, Kind.Stolen][(seed >> 16) % 4];
        bytes32 key = h.kind == Kind.Wrong ? keccak256("no such key") : keyOf(i);
        IKeyExchange.Parcel memory p = parcel(provider, sender, key, 1 + (seed >> 32));
        if (h.kind == Kind.Stolen) p.challenge ^= 1;
        vm.prank(sender);
        exchange.deliver(round, provider, p);
        parcels[i] = p;
        (h.fate, h.windowEnd, h.operator) =
        (Fate.Delivered, block.timestamp + terms.disputeWindow, bounty ? sender : address(0));
    }

    function _observer(uint256 which) private view returns (address) {
        while (!hasObserved(which % members.length)) ++which;
        return members[which % members.length];
    }

    function _answer(uint256 i, uint256 seed) private {
        Handover storage h = handovers[i];
        if (seed % 4 != 0 || block.timestamp >= h.windowEnd) return;
        bool other = leaves[i].datasetRoot != sealedRoot(i);
        if ((seed >> 8) % 4 == 0) {
            vm.prank(PLANNER);
            exchange.accept(round, bids[i].provider);
            h.fate = Fate.Accepted;
        } else if (other || h.kind == Kind.Stolen) {
            refute(i, parcels[i]);
            _strike(h);
        } else {
            dispute(i, disputeOf(parcels[i]), h.kind == Kind.Good ? terms.challengeBond : 0);
            if (h.kind == Kind.Good) h.fate = Fate.Accepted;
            else _strike(h);
        }
    }

    function _strike(Handover storage h) private {
        h.fate = h.operator == address(0) ? Fate.Reversed : Fate.Awaited;
        h.operator = address(0);
    }

    /// @dev Who has the reward and the bond of a winner, or that it is too early to say.
    function dueTo(uint256 i) internal view returns (bool early, address payee, address bondTo) {
        Handover storage h = handovers[i];
        address provider = bids[i].provider;
        if (terms.deliverEnd == 0) return (false, provider, provider);
        if (h.fate == Fate.Reversed) return (false, PLANNER, BURN);
        if (h.fate == Fate.Awaited) return (block.timestamp < terms.bountyEnd, PLANNER, BURN);
        early = h.fate == Fate.Delivered && block.timestamp < h.windowEnd;
        return (early, provider, h.operator == address(0) ? provider : h.operator);
    }
}
