// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @notice A payment token that anybody can mint. For local chains only.
contract DemoToken is ERC20, ERC20Permit {
    uint8 private immutable _DECIMALS;

    constructor(uint8 decimals_) ERC20("Demo Dollar", "DEMO") ERC20Permit("Demo Dollar") {
        _DECIMALS = decimals_;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public view override returns (uint8) {
        return _DECIMALS;
    }
}
