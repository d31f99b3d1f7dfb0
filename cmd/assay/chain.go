// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/anchor/evm"
)

// chainFlags name a chain and whoever acts on it.
type chainFlags struct {
	rpc, key, profile, contract, origin, publisher string
}

func chainCommand(u *ui) *cobra.Command {
	c := &cobra.Command{
		Use:   "chain key|deploy|register|rotate|head",
		Short: "Prepare a chain for assayd: key, contract, registration of a log",
		Long: "Chain does once, with the owner's key, what a server's own key must not be able to do:\n" +
			"deploy the contract and say which key may anchor which log.",
		Example: "  assay chain key --key owner.key\n" +
			"  assay chain deploy --rpc http://127.0.0.1:8545 --key owner.key\n" +
			"  assay chain register --rpc URL --key owner.key --contract 0x... --origin NAME --publisher 0x...",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	for _, s := range []struct {
		use, short string
		need       []string
		run        func(f *chainFlags, ctx context.Context, u *ui) error
	}{
		{"key", "Make a key file and print its address", []string{"key"}, (*chainFlags).makeKey},
		{"deploy", "Deploy the contract; the key becomes its owner", []string{"rpc", "key"}, (*chainFlags).deploy},
		{"register", "Let a key anchor a log", []string{"rpc", "key", "contract", "origin", "publisher"},
			(*chainFlags).register},
		{"rotate", "Let another key anchor a registered log", []string{"rpc", "key", "contract", "origin", "publisher"},
			(*chainFlags).rotate},
		{"head", "Print what the contract holds of a log", []string{"rpc", "contract", "origin"}, (*chainFlags).head},
	} {
		f := new(chainFlags)
		sub := &cobra.Command{Use: s.use, Short: s.short, Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
			if err := requireFlags(c, s.need...); err != nil {
				return err
			}
			return s.run(f, c.Context(), u)
		}}
		fl := sub.Flags()
		fl.StringVar(&f.rpc, "rpc", "", "JSON-RPC URL of the chain's node")
		fl.StringVar(&f.key, "key", "", "file of the key that signs, 64 hexadecimal digits, mode 0600")
		fl.StringVar(&f.profile, "profile", "ethereum", "the chain's rules of fees and finality")
		fl.StringVar(&f.contract, "contract", "", "address of the contract")
		fl.StringVar(&f.origin, "origin", "", "origin of the log, the first line of its checkpoints")
		fl.StringVar(&f.publisher, "publisher", "", "address of the key that may anchor the log")
		c.AddCommand(sub)
	}
	return c
}

func (f *chainFlags) makeKey(_ context.Context, u *ui) error {
	k, err := evm.MakeKey(f.key)
	if err != nil {
		return err
	}
	u.printf("address %s\n", evm.KeyAddress(k))
	return nil
}

// dial connects; a contract is named except when one is deployed.
func (f *chainFlags) dial(ctx context.Context) (*evm.Client, error) {
	profile, err := evm.ProfileByName(f.profile)
	if err != nil {
		return nil, usagef("--profile: %v", err)
	}
	cfg := evm.Config{Profile: profile}
	if f.contract != "" {
		if cfg.Contract, err = anchor.ParseAddress(f.contract); err != nil {
			return nil, usagef("--contract: %v", err)
		}
	}
	if f.key != "" {
		if cfg.Key, err = evm.ReadKey(f.key); err != nil {
			return nil, err
		}
	}
	return evm.Dial(ctx, f.rpc, cfg)
}

func (f *chainFlags) deploy(ctx context.Context, u *ui) error {
	c, err := f.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	u.Step("deploy the contract")
	at, err := c.Deploy(ctx)
	if err != nil {
		return err
	}
	id, err := c.ChainID(ctx)
	if err != nil {
		return err
	}
	u.Done("in a block")
	u.printf("chain %d\ncontract %s\nowner %s\n", id, at, c.From())
	return nil
}

func (f *chainFlags) register(ctx context.Context, u *ui) error {
	return f.setPublisher(ctx, u, "registered", (*evm.Client).Register)
}

func (f *chainFlags) rotate(ctx context.Context, u *ui) error {
	return f.setPublisher(ctx, u, "rotated", (*evm.Client).Rotate)
}

func (f *chainFlags) setPublisher(ctx context.Context, u *ui, done string,
	act func(*evm.Client, context.Context, string, anchor.Address) error) error {
	publisher, err := anchor.ParseAddress(f.publisher)
	if err != nil {
		return usagef("--publisher: %v", err)
	}
	c, err := f.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := act(c, ctx, f.origin, publisher); err != nil {
		return err
	}
	u.printf("%s: log %s, publisher %s\n", done, f.origin, publisher)
	return nil
}

func (f *chainFlags) head(ctx context.Context, u *ui) error {
	c, err := f.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	h, err := c.Head(ctx, anchor.LogID(f.origin))
	if err != nil {
		return err
	}
	if h.Publisher == (anchor.Address{}) {
		return fmt.Errorf("log %q is not registered at %s", f.origin, f.contract)
	}
	u.printf("size %d\nroot %s\nanchors %d\npublisher %s\n", h.Size, h.Root, h.Anchors, h.Publisher)
	return nil
}
