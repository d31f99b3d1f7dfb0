// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title AnchorRegistry: the newest checkpoint of each registered transparency log.
/// @notice The contract is a witness. It stores a checkpoint only if the log's
/// publisher sends it, if it names the checkpoint that it follows, if it is
/// larger, and if an RFC 9162 consistency proof shows that nothing already
/// anchored was changed or dropped. A log that has forked cannot be anchored.
///
/// Storage, which offline proofs are checked against (docs/formats/anchor.md):
///
///   slot 0  owner
///   slot 1  pendingOwner
///   slot 2  logs: keccak256(logId . 2) + 0  root of the newest checkpoint
///                 keccak256(logId . 2) + 1  publisher | size << 160 | anchors << 224
///
/// There are no history slots: the events are the history, and each receipt
/// carries the storage proof of the block in which its checkpoint was newest.
contract AnchorRegistry {
    struct Log {
        bytes32 root;      // Merkle tree hash of the newest checkpoint
        address publisher; // who may anchor; zero = not registered
        uint64 size;       // leaves under root
        uint32 anchors;    // how often this log has been anchored
    }

    address public owner;
    address public pendingOwner;
    mapping(bytes32 logId => Log) public logs;

    event Registered(bytes32 indexed logId, address indexed publisher);
    event PublisherRotated(bytes32 indexed logId, address indexed from, address indexed to);
    event OwnershipOffered(address indexed from, address indexed to);
    event OwnershipTaken(address indexed from, address indexed to);
    event Anchored(bytes32 indexed logId, uint64 indexed size, bytes32 root, uint64 previous);

    error NotOwner();
    error NotPendingOwner();
    error NotPublisher();
    error ZeroPublisher();
    error AlreadyRegistered();
    error NotRegistered();
    error Stale(uint64 have, uint64 expected);
    error NotNewer(uint64 have, uint64 offered);
    error Inconsistent();

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    constructor() {
        owner = msg.sender;
        emit OwnershipTaken(address(0), msg.sender);
    }

    /// @notice Offers the contract to another owner, who must take it. The zero
    /// address withdraws an offer.
    function offerOwnership(address to) external onlyOwner {
        pendingOwner = to;
        emit OwnershipOffered(msg.sender, to);
    }

    /// @notice Takes the contract; only whom it was offered to can.
    function takeOwnership() external {
        if (msg.sender != pendingOwner) revert NotPendingOwner();
        emit OwnershipTaken(owner, msg.sender);
        owner = msg.sender;
        pendingOwner = address(0);
    }

    /// @notice Registers an empty log and the key that may anchor it.
    function register(bytes32 logId, address publisher) external onlyOwner {
        if (publisher == address(0)) revert ZeroPublisher();
        Log storage log = logs[logId];
        if (log.publisher != address(0)) revert AlreadyRegistered();
        log.publisher = publisher;
        emit Registered(logId, publisher);
    }

    /// @notice Replaces the key that may anchor a log; the log goes on where it was.
    function rotate(bytes32 logId, address publisher) external onlyOwner {
        if (publisher == address(0)) revert ZeroPublisher();
        Log storage log = logs[logId];
        address from = log.publisher;
        if (from == address(0)) revert NotRegistered();
        log.publisher = publisher;
        emit PublisherRotated(logId, from, publisher);
    }

    /// @notice Anchors the checkpoint (size, root), which extends the newest one.
    /// @param previous the size that the caller takes the newest checkpoint to have
    /// @param proof RFC 9162 consistency proof from previous to size; empty if previous is 0
    function anchor(bytes32 logId, uint64 previous, uint64 size, bytes32 root, bytes32[] calldata proof) external {
        Log storage log = logs[logId];
        if (log.publisher != msg.sender) revert NotPublisher();
        uint64 have = log.size;
        if (have != previous) revert Stale(have, previous);
        if (size <= have) revert NotNewer(have, size);
        if (have == 0) {
            if (proof.length != 0) revert Inconsistent();
        } else if (!consistent(have, size, log.root, root, proof)) {
            revert Inconsistent();
        }
        log.root = root;
        log.size = size;
        unchecked {
            log.anchors += 1; // one a second fills 32 bits after 136 years
        }
        emit Anchored(logId, size, root, have);
    }

    /// @notice RFC 9162, section 2.1.4.2: whether the tree of `second` leaves with
    /// root `secondHash` begins with the tree of `first` leaves with root `firstHash`.
    /// @dev Asks for 0 < first < second. Variables are named as in the RFC.
    function consistent(uint64 first, uint64 second, bytes32 firstHash, bytes32 secondHash, bytes32[] calldata path)
        public
        pure
        returns (bool)
    {
        if (first == 0 || first >= second) return false;
        bytes32 fr = firstHash;
        uint256 i = 0;
        if (first & (first - 1) != 0) {
            // first is no power of two: the path begins with a node of both trees.
            if (path.length == 0) return false;
            fr = path[0];
            i = 1;
        }
        bytes32 sr = fr;
        uint64 fn = first - 1;
        uint64 sn = second - 1;
        while (fn & 1 == 1) {
            fn >>= 1;
            sn >>= 1;
        }
        for (; i < path.length; i++) {
            if (sn == 0) return false;
            bytes32 c = path[i];
            if (fn & 1 == 1 || fn == sn) {
                fr = node(c, fr);
                sr = node(c, sr);
                while (fn & 1 == 0 && fn != 0) {
                    fn >>= 1;
                    sn >>= 1;
                }
            } else {
                sr = node(sr, c);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && fr == firstHash && sr == secondHash;
    }

    /// @dev RFC 6962 interior node: SHA-256(0x01 || left || right).
    function node(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }
}
