// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDataShareToken} from "./interfaces/IDataShareToken.sol";
import {Errors} from "./libraries/Errors.sol";

/// @title DST: a participation ledger with votes
contract DataShareToken is IDataShareToken {
    /// @inheritdoc IDataShareToken
    string public constant name = "Mixed-MIA Data Share";
    /// @inheritdoc IDataShareToken
    string public constant symbol = "DST";
    /// @inheritdoc IDataShareToken
    uint8 public constant decimals = 9;
    /// @inheritdoc IDataShareToken
    address public immutable market;

    /// @inheritdoc IDataShareToken
    uint256 public totalSupply;
    /// @inheritdoc IDataShareToken
    mapping(address account => uint256) public balanceOf;
    /// @inheritdoc IDataShareToken
    mapping(uint256 round => uint256) public mintedIn;

    constructor() {
        market = msg.sender;
    }

    /* MINT */

    /// @inheritdoc IDataShareToken
    function mint(uint256 round, address to, uint256 amount, uint256 supply) external returns (uint256 minted) {
        require(msg.sender == market, Errors.OnlyMarket());

        uint256 before = mintedIn[round];
        minted = supply - before < amount ? supply - before : amount;

        mintedIn[round] = before + minted;
        totalSupply += minted;
        balanceOf[to] += minted;

        emit Transfer(address(0), to, minted);
    }

    /* VOTES */

    /// @inheritdoc IDataShareToken
    function getVotes(address account) external view returns (uint256) {
        return balanceOf[account];
    }

    /* NOT TRANSFERABLE */

    /// @inheritdoc IDataShareToken
    function transfer(address, uint256) external pure returns (bool) {
        revert Errors.NotTransferable();
    }

    /// @inheritdoc IDataShareToken
    function transferFrom(address, address, uint256) external pure returns (bool) {
        revert Errors.NotTransferable();
    }

    /// @inheritdoc IDataShareToken
    function approve(address, uint256) external pure returns (bool) {
        revert Errors.NotTransferable();
    }

    /// @inheritdoc IDataShareToken
    function allowance(address, address) external pure returns (uint256) {
        return 0;
    }
}
