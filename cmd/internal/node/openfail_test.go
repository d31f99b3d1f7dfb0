// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/serving/auth"
)

// TestOpenFails: whatever a node cannot be made of, Open says so and closes the
// journal, so that the next one opens the same directory.
func TestOpenFails(t *testing.T) {
	noChain := errors.New("the chain is on fire")
	for name, c := range map[string]struct {
		spoil func(*Config)
		says  string
	}{
		"chain": {func(c *Config) {
			c.Chain = func(context.Context, string, string, anchor.Source, anchor.Config) (*Chain, error) {
				return nil, noChain
			}
		}, "on fire"},
		"chain given back with its error": {func(c *Config) {
			c.Chain = func(context.Context, string, string, anchor.Source, anchor.Config) (*Chain, error) {
				return &Chain{}, noChain
			}
		}, "on fire"},
		"time stamps": {func(c *Config) { c.TimestampURL = "http://127.0.0.1:9" }, "certificate"},
		"policy": {func(c *Config) {
			c.Serving.Policy = []byte("name: x\ncutoffs: {review_from: 0.5, decline_from: 0.3}\n")
		}, "cutoffs"},
		"auth": {func(c *Config) {
			c.Serving.Auth.Keys = []auth.Key{{Name: "a", SHA256: "no hash", Roles: []string{"score"}}}
		}, "sha256"},
		"plan": {func(c *Config) {
			broken := *c.Bundle
			broken.Plan = []byte("no plan")
			c.Bundle = &broken
		}, "plan"},
		"model": {func(c *Config) {
			broken := *c.Bundle
			broken.Model = nil
			c.Bundle = &broken
		}, "Model"},
		"trust file": {func(c *Config) {
			if err := os.Mkdir(filepath.Join(c.Dir, TrustName), 0o755); err != nil {
				panic(err)
			}
		}, TrustName},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			cfg := Config{Dir: dir, Bundle: bundle(t), Logger: slog.New(slog.DiscardHandler)}
			spoiled := cfg
			c.spoil(&spoiled)
			if n, err := Open(t.Context(), spoiled); err == nil || n != nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("Open: %v, want an error that says %q", err, c.says)
			}
			_ = os.Remove(filepath.Join(dir, TrustName))
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			cfg.Listener = l
			n, err := Open(t.Context(), cfg)
			if err != nil {
				t.Fatalf("the journal was left open: %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := n.Run(ctx); err != nil {
				t.Fatal(err)
			}
		})
	}
}
