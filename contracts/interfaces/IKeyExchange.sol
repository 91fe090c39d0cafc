// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Bn254} from "../libraries/Bn254.sol";
import {IDataMarket} from "./IDataMarket.sol";

/// @title Keys for payment: a winner is paid if and only if the key that it delivers opens what was scored
/// @notice What a provider commits to names the ciphertext of its data and the commitment of the key that opens it, and
/// a quorum of operators attests that this key opens that ciphertext to the data it scored. What is left to exchange is
/// the key: 32 bytes. After the settlement a winner hands it to the planner, masked by a shared secret on bn254: R = r * G
/// and C = k xor mask(r * P), for the planner's key P = x * G. If C opens to another key, the planner shows S = x * R,
/// with a proof that it is, and this contract opens C itself: the reward is the planner's again. A delivery carries a proof
/// that its sender knows r. Without it the planner must show no S: of R = u * R', taken from somebody else's delivery, it
/// would give that one's key away. Such a delivery is refuted without. A winner that stays silent may be
/// replaced by any operator that attested, for its bond. A planner that stays silent has accepted.
/// @dev Deployed by a DataMarket, for its rounds. Times are of the round's terms: the winner alone delivers before
/// `deliverEnd`, it or an operator before `bountyEnd`; a delivery may be disputed for `disputeWindow` seconds.
interface IKeyExchange {
    enum State {
        None, // not delivered, or an operator's wrong delivery was struck
        Delivered, // may be disputed until `disputeEnd`, accepted from then on
        Accepted, // by the planner, or shown to be good
        Reversed // shown to be wrong
    }

    /// @notice An X25519 key, and its owner's signature over it (EIP-2098): `EncryptionKey.digest`.
    struct SignedKey {
        bytes32 key;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice What is delivered.
    struct Parcel {
        Bn254.Point ephemeral; // R = r * G, for a random r that is used once
        bytes32 sealedKey; // C = k xor mask(r * P)
        uint256 challenge; // c of the proof that the sender knows r: c = H(.., A), A = s * G + c * R
        uint256 response; // s of it
        bytes32 contentHash; // of the dataset root: `Commitment.sealedDatasetRoot`
        bytes32 keyCommit; // of the dataset root: the key has to open this
    }

    /// @notice A winner's delivery.
    struct Delivery {
        State state;
        bool bounty; // by an operator
        uint40 disputeEnd; // unix seconds
        uint200 digest; // of what was delivered and to whom
    }

    /// @notice What a planner shows to have a delivery opened.
    struct Dispute {
        Bn254.Point key; // P, the planner's
        Parcel parcel; // as delivered
        Bn254.Point shared; // S = x * R
        uint256 challenge; // c of the proof that log_G P = log_R S
        uint256 response; // s of it
    }

    event DeliveryKeyRegistered(address indexed owner, uint256 x, uint256 y);
    event EncryptionKeyRegistered(address indexed owner, bytes32 key);
    event Delivered(uint256 indexed round, address indexed provider, Parcel parcel);
    event Accepted(uint256 indexed round, address indexed provider);
    /// @notice `good`: the delivered key is the committed one, and everybody can compute it now.
    event Disputed(uint256 indexed round, address indexed provider, bool good, Bn254.Point shared);

    /// @notice A delivery that its sender did not make, or of another dataset, counts as one of a wrong key.
    event Refuted(uint256 indexed round, address indexed provider);

    /* KEYS */

    /// @notice Registers the bn254 key that winners deliver to, in rounds that the sender opens from now on. Running rounds
    /// keep the key of their terms.
    /// @dev Schnorr's proof of possession, bound to chain, contract and owner: c = H(.., A), A = s * G + c * P. Reverts with
    /// NotOnCurve, InvalidProof.
    function registerDeliveryKey(Bn254.Point calldata key, uint256 challenge, uint256 response) external;

    /// @notice Registers the X25519 key that content keys are wrapped to for the sender (RFC 9180), and its signature, by
    /// which whoever wraps sees that the key is the owner's, whatever a node says.
    /// @dev The key of a wallet alone can sign, no contract: a wrap is checked without asking a chain. Nothing here can prove
    /// that the sender can open what is wrapped; whether the key is of small order is for those who wrap, too. Reverts
    /// with ZeroKey, InvalidSignature.
    /// @param r Of the sender's signature.
    /// @param vs s of the signature, with its parity in the highest bit.
    function registerEncryptionKey(bytes32 key, bytes32 r, bytes32 vs) external;

    /* DELIVER */

    /// @notice Delivers a winner's key to the planner, from the end of the settle phase on. What the parcel says of itself
    /// is not looked at here: what is wrong with it is for `refute` and `dispute`. Whether the provider won is looked at
    /// for operators only: a loser that delivers gives its data away and gets nothing.
    /// @dev Reverts with NotOnCurve, AlreadyDelivered, DeliveryClosed (not yet, no more, or not in this round), NotDeliverer,
    /// NothingDue (an operator, for nobody who won).
    function deliver(uint256 round, address provider, Parcel calldata parcel) external;

    /// @notice The planner accepts a delivery before its window ends.
    /// @dev Reverts with NotPlanner, NotDelivered.
    function accept(uint256 round, address provider) external;

    /// @notice Opens a delivery before everybody's eyes. Wrong key: the winner's reward is the planner's and its bond is
    /// burned; an operator's wrong delivery is struck, and another may come until `bountyEnd`. Good key: accepted at once,
    /// and the planner pays the round's challenge bond, as value, which is burned; without it the call reverts.
    /// @dev Reverts with NotDelivered (what was delivered is named by planner, key and parcel at once), NotOnCurve,
    /// InvalidProof, WrongBond.
    function dispute(uint256 round, address provider, Dispute calldata d) external payable;

    /// @notice Strikes, like one of a wrong key, a delivery whose sender did not prove that it knows r, or which is of
    /// another dataset than the one that was scored.
    /// @dev Reverts with NotDelivered, InvalidProof (the leaf is not in the report), Irrefutable.
    /// @param deliveryKey Of the round's terms.
    /// @param leaf The provider's in the score tree, with its proof.
    function refute(
        uint256 round,
        bytes32 deliveryKey,
        Parcel calldata parcel,
        IDataMarket.ScoreLeaf calldata leaf,
        bytes32[] calldata proof
    ) external;

    /* VIEWS */

    /// @notice The market whose rounds these are.
    function market() external view returns (IDataMarket);
    /// @notice keccak256(x, y) of the owner's bn254 key; zero before it registers one.
    function deliveryKeyOf(address owner) external view returns (bytes32);
    /// @notice The owner's X25519 key with its signature; zeros before it registers one.
    function encryptionKeyOf(address owner) external view returns (bytes32 key, bytes32 r, bytes32 vs);
    function deliveryOf(uint256 round, address provider) external view returns (Delivery memory);
    /// @notice The operator that delivered last in a winner's place; zero for none.
    function delivererOf(uint256 round, address provider) external view returns (address);
    /// @notice Whose a winner's bond is: its own, or the operator's that delivered instead. Zero: no good key came, the
    /// reward is the planner's and the bond nobody's.
    /// @dev Reverts with NotAccepted while that is open.
    /// @param bountyEnd Of the round's terms.
    function bondTo(uint256 round, address provider, uint256 bountyEnd) external view returns (address);
}
