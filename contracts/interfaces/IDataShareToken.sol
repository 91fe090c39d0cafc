// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title DST: a participation ledger with votes
/// @notice Balances are votes. They cannot be sold or delegated: a saleable share would be money outside the auction,
/// and providers would shade their bids by a guess of it. The functions of ERC-20 that move tokens revert.
interface IDataShareToken {
    event Transfer(address indexed from, address indexed to, uint256 amount);

    /// @notice Adds `amount` to `to`, but never more than `supply` in one round.
    /// @dev Market only. An attested allocation above the supply is cut, so that it cannot hold up a claim.
    /// @return minted What was added.
    function mint(uint256 round, address to, uint256 amount, uint256 supply) external returns (uint256 minted);

    /// @notice The market that mints.
    function market() external view returns (address);
    function name() external view returns (string memory);
    function symbol() external view returns (string memory);
    function decimals() external view returns (uint8);
    function totalSupply() external view returns (uint256);
    function balanceOf(address account) external view returns (uint256);
    /// @notice The balance: one vote a unit.
    function getVotes(address account) external view returns (uint256);
    /// @notice Units minted by winners of one round.
    function mintedIn(uint256 round) external view returns (uint256);

    /// @notice Reverts: NotTransferable.
    function transfer(address to, uint256 amount) external returns (bool);
    /// @notice Reverts: NotTransferable.
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
    /// @notice Reverts: NotTransferable.
    function approve(address spender, uint256 amount) external returns (bool);
    /// @notice Always zero.
    function allowance(address owner, address spender) external view returns (uint256);
}
