// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A payment token as bad as it is told to be. Reports success as `style` says.
contract OddToken {
    enum Style {
        Standard, // returns true
        NoReturn, // returns nothing, like USDT
        ReturnsFalse // moves nothing and returns false
    }

    Style public style;
    uint256 public fee; // taken from every transfer
    address public refused; // black-listed recipient
    address public calledBack; // called on every transfer
    bytes public callback;
    bool public callbackSucceeded;

    mapping(address => uint256) public balanceOf;

    function setStyle(Style style_) external {
        style = style_;
    }

    function setFee(uint256 fee_) external {
        fee = fee_;
    }

    function refuse(address account) external {
        refused = account;
    }

    function callBack(address target, bytes calldata data) external {
        (calledBack, callback) = (target, data);
    }

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function rebase(address account, uint256 balance) external {
        balanceOf[account] = balance;
    }

    function approve(address, uint256) external pure returns (bool) {
        return true;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        require(to != refused, "refused");
        if (style != Style.ReturnsFalse) {
            balanceOf[from] -= amount;
            balanceOf[to] += amount - fee;
        }
        if (calledBack != address(0)) (callbackSucceeded,) = calledBack.call(callback);
        if (style == Style.NoReturn) return;
        bool moved = style == Style.Standard;
        assembly {
            mstore(0, moved)
            return(0, 32)
        }
    }
}

/// @notice A provider whose account takes no ether, or tries to be paid twice.
contract OddReceiver {
    address public target;
    bytes public data;
    bool public reentered;
    bool public refuses;

    function callBack(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    function refuse(bool yes) external {
        refuses = yes;
    }

    function run(address to, uint256 value, bytes calldata call_) external payable {
        (bool ok,) = to.call{value: value}(call_);
        require(ok, "call failed");
    }

    receive() external payable {
        require(!refuses, "refused");
        if (target != address(0)) (reentered,) = target.call(data);
    }
}

/// @notice An EIP-1271 operator that accepts what its owner signed.
contract Wallet {
    address private immutable _OWNER;

    constructor(address owner) {
        _OWNER = owner;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        (bytes32 r, bytes32 s, uint8 v) = abi.decode(signature, (bytes32, bytes32, uint8));
        return ecrecover(digest, v, r, s) == _OWNER ? this.isValidSignature.selector : bytes4(0);
    }
}
