// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/assayrisk/assay/benchmarks/internal/daemon"
	madeup "github.com/assayrisk/assay/benchmarks/internal/world"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/devchain"
	"github.com/assayrisk/assay/ledger/anchor/evm"
	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/models"
)

const origin = "hammer.example/log"

// bundles are the folders that are activated in turn.
var bundles = []string{"one", "two", "three"}

// world is the server, the chain, and what lies on the disk.
type world struct {
	dir, address, assay, assayd string
	contract                    anchor.Address
	chain                       *devchain.Chain
	proxy                       *proxy
	known                       known
	trust                       verdict.Trust // the server's trust.json

	mu struct {
		sync.Mutex
		server *daemon.Process
	}
}

// newWorld builds the commands, trains the bundles, starts the chain, registers
// the log, and starts the server.
func newWorld(ctx context.Context, o options) (w *world, err error) {
	w = &world{dir: o.dir}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	for command, path := range map[string]*string{"./cmd/assay": &w.assay, "./cmd/assayd": &w.assayd} {
		if *path, err = daemon.Build(ctx, o.dir, command); err != nil {
			return w, err
		}
	}
	if err := os.MkdirAll(filepath.Join(o.dir, "models"), 0o755); err != nil {
		return w, err
	}
	for i, name := range bundles {
		dir := filepath.Join(o.dir, "models", name)
		if err := madeup.WriteBundle(ctx, dir, strconv.Itoa(i),
			madeup.Shape{Rows: 4000, Columns: columns, Trees: 40 + 10*i, Leaves: 15}); err != nil {
			return w, err
		}
		b, err := models.ReadBundle(dir)
		if err != nil {
			return w, err
		}
		w.known.model(b.Digest)
		w.known.policy(policyDigest(b.Policy))
	}
	if err := w.startChain(ctx); err != nil {
		return w, err
	}
	if w.address, err = daemon.Port(); err != nil {
		return w, err
	}
	if err := w.start(ctx); err != nil {
		return w, err
	}
	b, err := os.ReadFile(filepath.Join(w.node(), "trust.json"))
	if err != nil {
		return w, err
	}
	w.trust, err = verdict.ParseTrust(b)
	return w, err
}

func (w *world) node() string { return filepath.Join(w.dir, "node") }

// startChain starts the node, deploys the contract and registers the log.
func (w *world) startChain(ctx context.Context) (err error) {
	if w.chain, err = devchain.Open(ctx, filepath.Join(w.dir, "chain"), devchain.Config{}); err != nil {
		return err
	}
	if w.proxy, err = newProxy(w.chain.URL()); err != nil {
		return err
	}
	profile, err := evm.ProfileByName("devchain")
	if err != nil {
		return err
	}
	key := w.chain.Key()
	c, err := evm.Dial(ctx, w.chain.URL(), evm.Config{Key: key, Profile: profile})
	if err != nil {
		return err
	}
	if w.contract, err = c.Deploy(ctx); err != nil {
		c.Close()
		return err
	}
	c.Close()
	if c, err = evm.Dial(ctx, w.chain.URL(), evm.Config{Key: key, Profile: profile, Contract: w.contract}); err != nil {
		return err
	}
	defer c.Close()
	return c.Register(ctx, origin, evm.KeyAddress(key))
}

// start starts the server on its directory.
func (w *world) start(ctx context.Context) error {
	p, err := daemon.Start(ctx, daemon.Serving(w.address), nil, w.assayd,
		"--bundle", filepath.Join(w.dir, "models", bundles[0]), "--models", filepath.Join(w.dir, "models"),
		"--dir", w.node(), "--origin", origin, "--listen", w.address, "--ops", "", "--log-level", "error",
		"--chain-rpc", w.proxy.url(), "--chain-id", strconv.FormatUint(w.chain.ChainID(), 10),
		"--chain-contract", w.contract.String(),
		"--chain-key", filepath.Join(w.dir, "chain", "key.hex"), "--chain-profile", "devchain", "--anchor-every",
		"500ms", "--drain", "5s")
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mu.server = p
	return nil
}

func (w *world) server() *daemon.Process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mu.server
}

// kill ends the server at once and starts it again.
func (w *world) kill(ctx context.Context) error {
	w.server().Kill()
	if err := w.start(ctx); err != nil {
		return fmt.Errorf("the start after a kill: %w", err)
	}
	return nil
}

// afterwards stops the server in order, and looks for faults in what it left.
func (w *world) afterwards(ctx context.Context, t *tally) error {
	if err := w.server().Stop(30 * time.Second); err != nil {
		t.violate("the server did not stop in order: %v\n%s", err, w.server().Output())
	}
	audit := []string{"audit", "--dir", w.node()}
	for _, name := range bundles {
		audit = append(audit, "--bundle", filepath.Join(w.dir, "models", name))
	}
	for _, args := range [][]string{{"ledger", "fsck", "--dir", w.node()}, audit} {
		c := exec.CommandContext(ctx, w.assay, args...)
		if out, err := c.CombinedOutput(); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			t.violate("assay %s: %v\n%s", args[0], err, out)
		}
	}
	return nil
}

func (w *world) close() {
	if p := w.server(); p != nil {
		select {
		case <-p.Ended():
		default:
			p.Kill()
		}
	}
	if w.proxy != nil {
		w.proxy.close()
	}
	if w.chain != nil {
		_ = w.chain.Close()
	}
}
