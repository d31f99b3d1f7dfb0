// SPDX-License-Identifier: Apache-2.0

package devchain

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/catalyst"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"

	assay "github.com/assayrisk/assay"
)

// DefaultChainID is the chain id of a development chain. It is on no list of
// public networks.
const DefaultChainID = 777001

// Config holds the optional settings. The zero value works.
type Config struct {
	ChainID uint64       // 0 = DefaultChainID; fixed when the directory is made
	Host    string       // loopback address to listen on; "" = 127.0.0.1
	Port    int          // 0 = any free port
	Logger  *slog.Logger // nil = silent
}

// Chain is a running node. It has one owner, who closes it.
type Chain struct {
	stack  *node.Node
	eth    *eth.Ethereum
	beacon *catalyst.SimulatedBeacon
	key    *ecdsa.PrivateKey
	cfg    Config

	stop func()
	done sync.WaitGroup
	mu   struct {
		sync.Mutex       // guards block making
		err        error // why blocks are no longer made
	}
}

// Open starts the node on dir, which is made on first use with a new key that
// owns all the coins. Only one process can have it open.
func Open(ctx context.Context, dir string, cfg Config) (*Chain, error) {
	if cfg.ChainID == 0 {
		cfg.ChainID = DefaultChainID
	}
	if cfg.Host == "" {
		cfg.Host = "127.0.0.1"
	}
	if err := checkLoopback(cfg.Host); err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("devchain: %w", err)
	}
	key, err := loadKey(filepath.Join(dir, "key.hex"))
	if err != nil {
		return nil, err
	}
	c := &Chain{key: key, cfg: cfg}
	if err := c.start(dir); err != nil {
		return nil, fmt.Errorf("devchain: %s: %w", dir, err)
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = cancel
	c.done.Add(1)
	go func() {
		defer c.done.Done()
		c.run(run)
	}()
	return c, nil
}

func (c *Chain) start(dir string) error {
	nc := node.DefaultConfig
	nc.Name, nc.DataDir = "devchain", dir
	nc.P2P = p2p.Config{NoDiscovery: true, NoDial: true, MaxPeers: 0, ListenAddr: ""}
	nc.IPCPath, nc.WSHost, nc.DBEngine = "", "", "pebble"
	nc.HTTPHost, nc.HTTPPort = c.cfg.Host, c.cfg.Port
	nc.HTTPModules = []string{"eth", "net", "web3"}
	nc.UseLightweightKDF = true
	// Keys never enter the node: it signs nothing.
	nc.KeyStoreDir = filepath.Join(dir, "unused-keystore")

	stack, err := node.New(&nc)
	if err != nil {
		return err
	}
	ec := ethconfig.Defaults
	ec.Genesis = genesis(c.cfg.ChainID, crypto.PubkeyToAddress(c.key.PublicKey))
	ec.NetworkId = c.cfg.ChainID
	ec.SyncMode = ethconfig.FullSync
	ec.TxPool.Journal = "" // transactions are sent again by whoever made them
	ec.TxPool.NoLocals = true
	// The state of each block is written with it, and kept: proofs of any block
	// can be made, and a kill leaves no state to be rebuilt.
	ec.StateScheme, ec.NoPruning = rawdb.HashScheme, true
	ec.DatabaseCache, ec.TrieCleanCache, ec.TrieDirtyCache, ec.SnapshotCache = 16, 8, 8, 0

	if c.eth, err = eth.New(stack, &ec); err != nil {
		return errors.Join(err, stack.Close())
	}
	fs := filters.NewFilterSystem(c.eth.APIBackend, filters.Config{})
	stack.RegisterAPIs([]rpc.API{{Namespace: "eth", Service: filters.NewFilterAPI(fs)}})
	if err := stack.Start(); err != nil {
		return errors.Join(err, stack.Close())
	}
	c.stack = stack
	if c.beacon, err = catalyst.NewSimulatedBeacon(0, common.Address{}, c.eth); err != nil {
		return errors.Join(err, stack.Close())
	}
	return c.flush()
}

func genesis(chainID uint64, funded common.Address) *core.Genesis {
	cfg := *params.AllDevChainProtocolChanges
	cfg.ChainID = new(big.Int).SetUint64(chainID)
	cfg.AmsterdamTime, cfg.BogotaTime = nil, nil
	alloc := core.SystemContractAllocs()
	maps.Copy(alloc, types.GenesisAlloc{funded: {Balance: new(big.Int).Lsh(big.NewInt(1), 100)}})
	return &core.Genesis{Config: &cfg, GasLimit: 30_000_000, BaseFee: big.NewInt(params.InitialBaseFee),
		Difficulty: new(big.Int), Alloc: alloc}
}

// run makes a block whenever a transaction comes in.
func (c *Chain) run(ctx context.Context) {
	txs := make(chan core.NewTxsEvent, 64)
	sub := c.eth.TxPool().SubscribeTransactions(txs, true)
	defer sub.Unsubscribe()
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-sub.Err():
			if err != nil {
				c.cfg.Logger.Error("development chain has stopped", "err", err)
			}
			return
		case <-txs:
		}
		for len(txs) > 0 {
			<-txs
		}
		// The pool is asked first, so that no block is made without need.
		for range 8 {
			if n, _ := c.eth.TxPool().Stats(); n == 0 || ctx.Err() != nil {
				break
			}
			if _, err := c.Mine(); err != nil {
				c.cfg.Logger.Error("development chain makes no blocks", "err", err)
				return
			}
			if err := c.syncPool(); err != nil {
				return
			}
		}
	}
}

// syncPool waits until the pool knows the newest block. The pool answers one
// caller of Sync at a time and forgets an earlier one, so Sync, like the beacon,
// is only called with mu held.
func (c *Chain) syncPool() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.eth.TxPool().Sync()
}

// Mine makes a block of the transactions in the pool, even of none, and returns
// its hash when it is on disk.
func (c *Chain) Mine() (common.Hash, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.err != nil {
		return common.Hash{}, c.mu.err
	}
	before := c.eth.BlockChain().CurrentBlock().Number.Uint64()
	hash := c.beacon.Commit()
	if now := c.eth.BlockChain().CurrentBlock().Number.Uint64(); now != before+1 {
		return common.Hash{}, fmt.Errorf("devchain: no block was made on top of block %d: %w",
			before, assay.ErrUnavailable)
	}
	if c.mu.err = c.flush(); c.mu.err != nil {
		return common.Hash{}, c.mu.err
	}
	return hash, nil
}

// flush makes the newest block durable and calls it final.
func (c *Chain) flush() error {
	bc := c.eth.BlockChain()
	head := bc.CurrentBlock()
	if err := bc.TrieDB().Commit(head.Root, false); err != nil {
		return fmt.Errorf("state of block %d: %w", head.Number, err)
	}
	if err := c.eth.ChainDb().SyncKeyValue(); err != nil {
		return fmt.Errorf("block %d: %w", head.Number, err)
	}
	bc.SetFinalized(head)
	bc.SetSafe(head)
	return nil
}

// URL returns the address at which the node answers JSON-RPC.
func (c *Chain) URL() string { return c.stack.HTTPEndpoint() }

// ChainID returns the chain's id.
func (c *Chain) ChainID() uint64 { return c.cfg.ChainID }

// Key returns the key that owns the chain's coins. It is worth nothing elsewhere.
func (c *Chain) Key() *ecdsa.PrivateKey { return c.key }

// Close stops the node.
func (c *Chain) Close() error {
	c.stop()
	c.done.Wait()
	err := c.beacon.Stop()
	return errors.Join(err, c.stack.Close())
}
