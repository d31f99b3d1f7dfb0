// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/internal/bounded"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/verdict"
)

func verifyCommand(u *ui) *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify RECEIPT",
		Short: "Check a receipt with the network off, line by line",
		Long: "Verify says what a receipt proves, and who vouches for it. It reads the receipt and a\n" +
			"trust file (the log's public key, the chain and the contract) and nothing else.\n" +
			"An anchor counts if the trust file pins the chain's validators or the hash of a\n" +
			"block: without either, anybody could have made it, and it is not vouched for.\n" +
			"assay-verify does the same in a program small enough to read.",
		Example: "  assay verify assay-demo/receipts/1.json\n" +
			"  assay verify --require checkpoint assay-demo/receipts/1.json",
		Args: oneArg("a receipt file"),
		RunE: func(_ *cobra.Command, args []string) error {
			return verifyFile(u, args[0], f)
		},
	}
	c.Flags().StringVar(&f.trust, "trust", "",
		"trust file (default: trust.json next to the receipt or one directory up)")
	c.Flags().StringVar(&f.require, "require", "",
		requireHelp+" (those that the trust file requires are required in any case)")
	c.Flags().BoolVar(&f.json, "json", false, "print one JSON object instead of text")
	return c
}

const requireHelp = "refuse a receipt without these parts: promise, checkpoint, witnesses, anchor, timestamp"

type verifyFlags struct {
	trust, require string
	json           bool
}

func verifyFile(u *ui, path string, f verifyFlags) error {
	b, err := bounded.ReadFile(path, maxReceipt)
	if err != nil {
		return err
	}
	t, err := readTrust(path, f.trust)
	if err != nil {
		return err
	}
	if f.require != "" {
		if err := t.AddRequirements(f.require); err != nil {
			return usagef("--require: %v", err)
		}
		if err := t.Check(); err != nil {
			return usagef("--require: %v", err)
		}
	}
	v := verdict.Verify(b, t)
	if f.json {
		if err := u.json(v); err != nil {
			return err
		}
	} else {
		for _, f := range v.Findings {
			u.printf("%s\n", u.finding(f))
		}
		if v.OK {
			u.printf("%s\n", v.Summary)
		}
	}
	if !v.OK {
		return fmt.Errorf("%s is %s", path, v.Summary)
	}
	return nil
}

// verifyReceipt judges a receipt that is in memory, as its file.
func verifyReceipt(r *assay.Receipt, t verdict.Trust) (verdict.Verdict, error) {
	b, err := ledger.MarshalReceipt(r)
	if err != nil {
		return verdict.Verdict{}, err
	}
	return verdict.Verify(b, t), nil
}

// finding prints one line of a verification.
func (u *ui) finding(f ledger.Finding) string {
	mark := u.faint(pad(f.State.String(), 15))
	switch f.State {
	case ledger.Proven:
		mark = u.green(pad(f.State.String(), 15))
	case ledger.Refused:
		mark = u.red(pad("REFUSED", 15))
	}
	by := ""
	if f.VouchedBy != "" && f.State == ledger.Proven {
		by = u.faint("  [" + f.VouchedBy + "]")
	}
	return fmt.Sprintf("%s  %-16s %s%s", mark, f.Step, f.Detail, by)
}

// maxReceipt bounds a receipt file.
const maxReceipt = ledger.MaxReceiptBytes

func readReceipt(path string) (*assay.Receipt, error) {
	b, err := bounded.ReadFile(path, maxReceipt)
	if err != nil {
		return nil, err
	}
	r, err := ledger.ParseReceipt(b)
	if err != nil {
		return nil, fmt.Errorf("%s is not a receipt: %w", path, err)
	}
	return r, nil
}

var errNoTrust = errors.New("no trust file")

// readTrust reads the trust file named, or the one near the receipt.
func readTrust(receipt, path string) (verdict.Trust, error) {
	paths := []string{path}
	if path == "" {
		dir := filepath.Dir(receipt)
		paths = []string{filepath.Join(dir, node.TrustName), filepath.Join(filepath.Dir(dir), node.TrustName)}
	}
	for _, p := range paths {
		b, err := bounded.ReadFile(p, verdict.MaxTrustBytes)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return verdict.Trust{}, err
		}
		t, err := verdict.ParseTrust(b)
		if err != nil {
			return t, fmt.Errorf("%s is not a trust file: %w", p, err)
		}
		return t, nil
	}
	return verdict.Trust{}, fmt.Errorf("%w at %v: give the one you got when you began to use the log, with --trust",
		errNoTrust, paths)
}
