// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title MUT: the revenue shares of one round
/// @notice An ERC-20 with Permit over exactly `units()` = R units. Units are minted when their owner claims; revenue
/// accrues to all R units from the first deposit on, so a unit minted late has earned as much as one minted early.
/// Accounting is exact: what rounding holds back is carried to the holder's next withdrawal.
interface IMarginalUtilityToken {
    event Deposited(address indexed from, uint256 amount);
    event Withdrawn(address indexed holder, uint256 amount);

    /// @notice Mints `amount` units with everything they have earned. Market only.
    function mint(address to, uint256 amount) external;

    /// @notice Shares out revenue: takes `amount` of the payment token from the sender and counts what arrives.
    /// @dev Reverts with NothingDue when nothing arrives.
    /// @return received Smallest units of the payment token, at most 2^128 - 1.
    function deposit(uint256 amount) external returns (uint256 received);

    /// @notice Pays a holder what its units have earned; anybody may call it, only the holder is paid.
    /// @dev Reverts with NothingDue when that is nothing.
    function withdraw(address holder) external returns (uint256 amount);

    /// @notice What `withdraw` would pay, smallest units of the payment token.
    function withdrawable(address holder) external view returns (uint256);

    /// @notice Everything deposited so far, smallest units of the payment token.
    function revenue() external view returns (uint256);

    /// @notice The market that mints.
    function market() external view returns (address);
    /// @notice R, sold or not.
    function units() external view returns (uint256);
    /// @notice What revenue is paid in.
    function paymentToken() external view returns (address);
}
