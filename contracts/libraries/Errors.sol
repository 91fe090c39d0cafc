// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDataMarket} from "../interfaces/IDataMarket.sol";

/// @notice Errors shared by the contracts, in the order of a round's life. The mechanism's own errors are declared
/// beside its functions in `Clearing` and `Liquidity`.
library Errors {
    /* PHASES */

    /// @notice No round has this number.
    error UnknownRound();
    /// @notice The call belongs to another phase than the round's present one.
    error WrongPhase(IDataMarket.Phase actual);

    /* TERMS */

    /// @notice The sender of `open` is not the planner named in the terms.
    error NotPlanner();
    /// @notice A money unit of zero smallest units.
    error ZeroMoneyUnit();
    /// @notice A reserve price of zero: nobody could win.
    error ZeroReserve();
    /// @notice A cap of zero: nobody could win anything.
    error ZeroCap();
    /// @notice `maxBids` is zero or above 2^24 - 1.
    error MaxBidsOutOfRange();
    /// @notice Share floor above the share cap, or a share cap above WAD, or a supply with a share cap of zero.
    error ShareBoundsOutOfRange();
    /// @dev The tranche takes the whole reward budget or more, or a share of it that is less than one money unit.
    error TrancheOutOfRange();
    /// @notice A bond of zero: not revealing, or challenging, would be free.
    error ZeroBond();
    /// @notice A phase that ends less than MIN_PHASE after the one before it.
    error PhaseTooShort();
    /// @notice The challenge window ends after stakes could have left (EXIT_DELAY from now).
    error DeadlineTooFar();
    /// @notice The arbitrator is not a contract.
    error ArbitratorWithoutCode();
    /// @notice The delivery key is not the planner's registered one.
    error DeliveryKeyNotRegistered();
    /// @notice The payment token moved another amount than the escrow (fees on transfer, for one).
    error WrongEscrow(uint256 expected, uint256 received);

    /* COMMIT AND OBSERVE */

    /// @notice A sealed bid below 2^224 could be mistaken for a record.
    error SealedBidTooSmall();
    /// @notice The value sent is not the bond that is due (zero where one is held already).
    error WrongBond();
    /// @notice The round has taken `maxBids` providers.
    error RoundFull();
    /// @notice The provider has no bid in this round.
    error NoBid();
    /// @notice The operator has observed in this round already.
    error AlreadyObserved();

    /* QUORUM */

    /// @notice The committee was never formed.
    error UnknownCommittee();
    /// @notice The address is no member of the committee.
    error NotAMember(address signer);
    /// @notice The member was retired from the committee after it had been slashed.
    error RetiredMember(address signer);
    /// @notice The member has no full stake, or is on its way out.
    error InactiveMember(address signer);
    /// @notice Signers are not in strictly ascending order (this also refuses duplicates and zero).
    error UnsortedSigners();
    /// @notice Fewer signers, or observers, than the quorum; or not one signature a signer.
    error BelowQuorum();
    /// @notice The signature is not this signer's (malformed and malleable ones included).
    error InvalidSignature(address signer);

    /* REPORT AND CHALLENGE */

    /// @notice A report without root.
    error ZeroRoot();
    /// @notice The report does not hold one leaf for each bonded provider.
    error WrongCount(uint256 bonded);
    /// @notice A report was posted already.
    error AlreadyReported();
    /// @notice Another challenge is open.
    error AlreadyChallenged();
    /// @notice No challenge is open.
    error NotChallenged();
    /// @notice The second half of the challenge window belongs to the arbitrator.
    error TooLateToChallenge();
    /// @notice The arbitrator has not ruled.
    error NotRuled();

    /* REVEAL AND SETTLE */

    /// @notice The leaf is not in the reported tree, or a proof about keys does not hold.
    error InvalidProof();
    /// @notice Cost, salt or dataset root are not those of the sealed bid; content or key commitment not the dataset root's.
    error WrongOpening();
    /// @notice The bid is open already.
    error AlreadyRevealed();
    /// @notice The records are not those revealed, in the order of reveals.
    error WrongRecords();
    /// @notice The auction was settled already.
    error AlreadySettled();
    /// @notice The tranche's auction comes first: what it does not spend is everybody else's.
    error TrancheNotSettled();
    /// @notice The sender's pass with this certificate stands elsewhere.
    error WrongStart(uint256 next);

    /* PAYMENTS */

    /// @notice The bid was never opened; its bond is burned.
    error NotRevealed();
    /// @notice Nothing is due, or it was paid already.
    error NothingDue();
    /// @notice The winner's key is not delivered, or its delivery may still be disputed.
    error NotAccepted();

    /* DELIVERY */

    /// @notice Zero is no encryption key: it stands for none.
    error ZeroKey();
    /// @notice Not a point of bn254, or the identity.
    error NotOnCurve();
    /// @notice A delivery is there already.
    error AlreadyDelivered();
    /// @notice Keys are delivered from `settleEnd` until `bountyEnd`, in rounds whose terms say so.
    error DeliveryClosed();
    /// @notice Before `deliverEnd` the winner itself delivers; from then on it or an operator that observed in time.
    error NotDeliverer();
    /// @notice The delivery's proof holds and its dataset is the scored one: dispute its key instead.
    error Irrefutable();
    /// @notice No such delivery that could still be accepted or disputed: state, window, planner, key or parcel differ.
    error NotDelivered();

    /* TOKENS */

    /// @notice Reserved to the market that deployed the token.
    error OnlyMarket();
    /// @notice Data shares are votes and cannot be sold.
    error NotTransferable();
    /// @notice Transfers to nobody would lock revenue.
    error ZeroRecipient();

    /* STAKES */

    /// @notice The stake would stay below MIN_STAKE.
    error StakeTooSmall();
    /// @notice The operator was slashed and cannot come back under this key.
    error OperatorSlashed();
    /// @notice The operator is leaving.
    error ExitPending();
    /// @notice The operator has not asked to leave, or the delay has not passed.
    error ExitNotDue();
    /// @notice A committee has 1 to 32 members and more than two thirds of them as its quorum.
    error QuorumOutOfRange();
    /// @notice The two reports do not contradict each other.
    error NoEquivocation();
    /// @notice The operator has not been slashed.
    error NotSlashed();
    /// @notice The committee has ruled on this challenge.
    error AlreadyRuled();
}
