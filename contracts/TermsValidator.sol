// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDataMarket} from "./interfaces/IDataMarket.sol";
import {IKeyExchange} from "./interfaces/IKeyExchange.sol";
import {Errors} from "./libraries/Errors.sol";
import {Liquidity} from "./libraries/Liquidity.sol";

/// @title What a round may be opened with
/// @notice A contract of its own, without state, because DataMarket is full (EIP-170); deployed and called by it alone.
contract TermsValidator {
    uint256 private constant WAD = 1e18;
    IKeyExchange private immutable _exchange;

    constructor(IKeyExchange exchange) {
        _exchange = exchange;
    }

    /// @notice Checks every field that could make a round unfair, stuck or overflow.
    /// @param sender Of `open`.
    /// @param minPhase Least seconds of any phase.
    /// @param maxChallengeEnd Latest end of the challenge window, unix seconds: stakes must outlast it.
    function validate(IDataMarket.Terms calldata t, address sender, uint256 minPhase, uint256 maxChallengeEnd)
        external
        view
    {
        require(t.planner == sender, Errors.NotPlanner());
        require(t.moneyUnit != 0, Errors.ZeroMoneyUnit());
        require(t.reserve != 0, Errors.ZeroReserve());
        require(t.cap != 0, Errors.ZeroCap());
        // Positions are kept in 24 bits, of which the highest value means "no marginal bid".
        require(t.maxBids != 0 && t.maxBids < 1 << 24, Errors.MaxBidsOutOfRange());
        require(t.bidBond != 0 && t.challengeBond != 0, Errors.ZeroBond());
        require(
            t.shareFloor <= t.shareCap && t.shareCap <= WAD && (t.shareSupply == 0 || t.shareCap != 0),
            Errors.ShareBoundsOutOfRange()
        );
        (uint256 cash, uint256 deferred) = Liquidity.split(t.budget, t.utilityPool, t.liquidity);
        // Neither auction may start with nothing to spend.
        require(
            t.trancheShare == 0 || (t.trancheShare < WAD && (cash + deferred) * t.trancheShare >= WAD),
            Errors.TrancheOutOfRange()
        );
        require(t.arbitrator.code.length != 0, Errors.ArbitratorWithoutCode());
        require(
            t.commitEnd >= block.timestamp + minPhase && t.observeEnd >= t.commitEnd + minPhase
                && t.reportEnd >= t.observeEnd + minPhase && t.challengeEnd >= t.reportEnd + minPhase
                && t.revealEnd >= t.challengeEnd + minPhase && t.settleEnd >= t.revealEnd + minPhase,
            Errors.PhaseTooShort()
        );
        require(t.challengeEnd <= maxChallengeEnd, Errors.DeadlineTooFar());
        if (t.deliverEnd == 0) return;
        require(
            t.deliverEnd >= t.settleEnd + minPhase && t.bountyEnd >= t.deliverEnd + minPhase
                && t.disputeWindow >= minPhase,
            Errors.PhaseTooShort()
        );
        require(
            t.deliveryKey != 0 && t.deliveryKey == _exchange.deliveryKeyOf(sender), Errors.DeliveryKeyNotRegistered()
        );
    }
}
