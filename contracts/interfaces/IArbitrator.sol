// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice Rules on challenged score leaves. The default is the committee itself; adapters to courts can be written.
interface IArbitrator {
    enum Ruling {
        None, // not ruled yet
        Upheld, // the challenged leaf is wrong: the round becomes void
        Rejected // the leaf stands
    }

    /// @notice The ruling on a challenge, final once given.
    /// @param committee The round's committee in the OracleCommittee.
    /// @param challengeId As in `IDataMarket.Challenged`: bound to chain, market, round, root, leaf and challenger.
    function ruling(bytes32 committee, bytes32 challengeId) external view returns (Ruling);
}
