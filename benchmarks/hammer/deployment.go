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
	"github.com/assayrisk/assay/benchmarks/internal/world"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/devchain"
	"github.com/assayrisk/assay/ledger/anchor/evm"
	"github.com/assayrisk/assay/ledger/verdict"
	"github.com/assayrisk/assay/models"
)

const logOrigin = "hammer.example/log"

// bundles are the folders that are activated in turn.
var bundles = []string{"one", "two", "three"}

// deployment is the server, the chain, and their directories.
type deployment struct {
	dir, address, assay, assayd string
	contract                    anchor.Address
	chain                       *devchain.Chain
	proxy                       *proxy
	activated                   activations
	trust                       verdict.Trust // the server's trust.json

	mu struct {
		sync.Mutex
		server *daemon.Process
	}
}

// deploy builds the commands, trains the bundles, starts the chain, registers
// the log, and starts the server.
func deploy(ctx context.Context, o options) (d *deployment, err error) {
	d = &deployment{dir: o.dir}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	for command, path := range map[string]*string{"./cmd/assay": &d.assay, "./cmd/assayd": &d.assayd} {
		if *path, err = daemon.Build(ctx, o.dir, command); err != nil {
			return d, err
		}
	}
	if err := os.MkdirAll(filepath.Join(o.dir, "models"), 0o755); err != nil {
		return d, err
	}
	for i, name := range bundles {
		dir := filepath.Join(o.dir, "models", name)
		if err := world.WriteBundle(ctx, dir, strconv.Itoa(i),
			world.Shape{Rows: 4000, Columns: columns, Trees: 40 + 10*i, Leaves: 15}); err != nil {
			return d, err
		}
		b, err := models.ReadBundle(dir)
		if err != nil {
			return d, err
		}
		d.activated.addModel(b.Digest)
		d.activated.addPolicy(policyDigest(b.Policy))
	}
	if err := d.startChain(ctx); err != nil {
		return d, err
	}
	if d.address, err = daemon.Port(); err != nil {
		return d, err
	}
	if err := d.start(ctx); err != nil {
		return d, err
	}
	b, err := os.ReadFile(filepath.Join(d.node(), "trust.json"))
	if err != nil {
		return d, err
	}
	d.trust, err = verdict.ParseTrust(b)
	return d, err
}

func (d *deployment) node() string { return filepath.Join(d.dir, "node") }

// startChain starts the node, deploys the contract and registers the log.
func (d *deployment) startChain(ctx context.Context) (err error) {
	if d.chain, err = devchain.Open(ctx, filepath.Join(d.dir, "chain"), devchain.Config{}); err != nil {
		return err
	}
	if d.proxy, err = newProxy(d.chain.URL()); err != nil {
		return err
	}
	profile, err := evm.ProfileByName("devchain")
	if err != nil {
		return err
	}
	key := d.chain.Key()
	c, err := evm.Dial(ctx, d.chain.URL(), evm.Config{Key: key, Profile: profile})
	if err != nil {
		return err
	}
	if d.contract, err = c.Deploy(ctx); err != nil {
		c.Close()
		return err
	}
	c.Close()
	if c, err = evm.Dial(ctx, d.chain.URL(), evm.Config{Key: key, Profile: profile, Contract: d.contract}); err != nil {
		return err
	}
	defer c.Close()
	return c.Register(ctx, logOrigin, evm.KeyAddress(key))
}

// start starts the server on its directory.
func (d *deployment) start(ctx context.Context) error {
	p, err := daemon.Start(ctx, daemon.Serving(d.address), nil, d.assayd,
		"--bundle", filepath.Join(d.dir, "models", bundles[0]), "--models", filepath.Join(d.dir, "models"),
		"--dir", d.node(), "--origin", logOrigin, "--listen", d.address, "--ops", "", "--log-level", "error",
		"--chain-rpc", d.proxy.url(), "--chain-id", strconv.FormatUint(d.chain.ChainID(), 10),
		"--chain-contract", d.contract.String(),
		"--chain-key", filepath.Join(d.dir, "chain", "key.hex"), "--chain-profile", "devchain", "--anchor-every",
		"500ms", "--drain", "5s")
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.server = p
	return nil
}

func (d *deployment) server() *daemon.Process {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mu.server
}

// killAndRestart ends the server at once and starts it again.
func (d *deployment) killAndRestart(ctx context.Context) error {
	d.server().Kill()
	if err := d.start(ctx); err != nil {
		return fmt.Errorf("the start after a kill: %w", err)
	}
	return nil
}

// stopAndCheck stops the server in order, and checks the directory that it left.
func (d *deployment) stopAndCheck(ctx context.Context, t *tally) error {
	if err := d.server().Stop(30 * time.Second); err != nil {
		t.violate("the server did not stop cleanly: %v\n%s", err, d.server().Output())
	}
	audit := []string{"audit", "--dir", d.node()}
	for _, name := range bundles {
		audit = append(audit, "--bundle", filepath.Join(d.dir, "models", name))
	}
	for _, args := range [][]string{{"ledger", "fsck", "--dir", d.node()}, audit} {
		c := exec.CommandContext(ctx, d.assay, args...)
		if out, err := c.CombinedOutput(); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			t.violate("assay %s: %v\n%s", args[0], err, out)
		}
	}
	return nil
}

func (d *deployment) close() {
	if p := d.server(); p != nil {
		select {
		case <-p.Ended():
		default:
			p.Kill()
		}
	}
	if d.proxy != nil {
		d.proxy.close()
	}
	if d.chain != nil {
		_ = d.chain.Close()
	}
}
