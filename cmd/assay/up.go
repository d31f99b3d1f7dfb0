// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/devchain"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/training"
)

type upFlags struct {
	dir, model, listen string
	every              time.Duration
}

func upCommand(u *ui) *cobra.Command {
	var f upFlags
	c := &cobra.Command{
		Use:   "up",
		Short: "Serve with the embedded chain, until stopped",
		Long: "Up serves a bundle over gRPC, with every decision journalled, logged and anchored to a\n" +
			"chain that runs inside this program. Nobody vouches for that chain: for production use\n" +
			"assayd, which has no chain of its own and anchors to one by its JSON-RPC URL.",
		Example: "  assay demo && assay up",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c.Context(), u) },
	}
	c.Flags().StringVar(&f.dir, "dir", "assay-demo", "directory of the journal, the log, the keys and the chain")
	c.Flags().StringVar(&f.model, "model", "", "bundle to serve (default: DIR/bundle)")
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:7400",
		"address of the server; without credentials only loopback")
	c.Flags().DurationVar(&f.every, "anchor-every", time.Minute, "cadence of anchors")
	return c
}

func (f *upFlags) run(ctx context.Context, u *ui) error {
	if f.model == "" {
		f.model = filepath.Join(f.dir, "bundle")
	}
	s, err := training.OpenScorer(f.model)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", f.listen)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(u.err, &slog.HandlerOptions{Level: slog.LevelInfo}))
	n, err := openNode(ctx, f.dir, s.Bundle, l, f.every, log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	u.printf("%s on %s, model %s\n", u.bold("serving"), l.Addr(), s.Bundle.Digest.Short())
	u.printf("chain %d (not vouched for: it runs in this program), contract %s\n", n.Chain.Trust.ChainID,
		n.Chain.Trust.Contract)
	u.printf("log key %s\n", n.Journal.Key())
	u.printf("trust file %s; stop with Ctrl-C\n", filepath.Join(f.dir, node.TrustName))
	return n.Run(ctx)
}

func devchainCommand(u *ui) *cobra.Command {
	var dir, listen string
	c := &cobra.Command{
		Use:     "devchain --dir D",
		Short:   "Run the embedded development chain alone, until stopped",
		Example: "  assay devchain --dir chain --listen 127.0.0.1:8545",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := requireFlags(c, "dir"); err != nil {
				return err
			}
			return runChain(c.Context(), u, dir, listen)
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "directory of the chain")
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8545", "loopback address of the JSON-RPC server")
	return c
}

func runChain(ctx context.Context, u *ui, dir, listen string) error {
	host, port, err := splitPort(listen)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	c, err := devchain.Open(ctx, dir, devchain.Config{Host: host, Port: port, Logger: log})
	if err != nil {
		return err
	}
	u.printf("chain %d on %s, not vouched for; stop with Ctrl-C\n", c.ChainID(), c.URL())
	<-ctx.Done()
	return c.Close()
}

func splitPort(listen string) (string, int, error) {
	a, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return "", 0, usagef("--listen %s: want host:port, for example 127.0.0.1:8545", listen)
	}
	return a.IP.String(), a.Port, nil
}

// openNode opens a node with the embedded chain.
func openNode(ctx context.Context, dir string, b *models.Bundle, l net.Listener, every time.Duration,
	log *slog.Logger) (*node.Node, error) {
	return node.Open(ctx, node.Config{
		Dir: dir, Bundle: b, Listener: l, AnchorEvery: every, Logger: log,
		Chain: func(ctx context.Context, dir, origin string, source anchor.Source, cfg anchor.Config) (*node.Chain,
			error) {
			e, err := devchain.Start(ctx, dir, origin, source, devchain.Config{Logger: log}, cfg)
			if err != nil {
				return nil, err
			}
			return &node.Chain{Anchor: e.Anchor, Trust: e.Trust(), Close: e.Close}, nil
		},
	})
}
