// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/timestamp"
)

func verifyCommand(u *ui) *cobra.Command {
	var trust string
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify RECEIPT",
		Short: "Check a receipt with the network off, line by line",
		Long: "Verify says what a receipt proves, and by whose word. It reads the receipt and a\n" +
			"trust file (the log's public key, the chain and the contract) and nothing else.\n" +
			"assay-verify does the same in a program small enough to read.",
		Example: "  assay verify assay-demo/receipts/1.json",
		Args:    oneArg("a receipt file"),
		RunE: func(_ *cobra.Command, args []string) error {
			return verifyFile(u, args[0], trust, asJSON)
		},
	}
	c.Flags().StringVar(&trust, "trust", "", "trust file (default: trust.json beside the receipt or one directory up)")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object instead of text")
	return c
}

func verifyFile(u *ui, path, trustPath string, asJSON bool) error {
	r, err := readReceipt(path)
	if err != nil {
		return err
	}
	t, err := readTrust(path, trustPath)
	if err != nil {
		return err
	}
	v := verifyReceipt(r, t)
	if asJSON {
		if err := u.json(v); err != nil {
			return err
		}
	} else {
		for _, f := range v.Findings {
			u.printf("%s\n", u.finding(f))
		}
		if v.Anchor != "" {
			u.printf("%s\n", v.Anchor)
		}
	}
	if !v.OK {
		return fmt.Errorf("%s is refused: %s", path, v.Refused())
	}
	return nil
}

// verdict is the outcome of a verification.
type verdict struct {
	OK       bool             `json:"ok"`
	Index    uint64           `json:"index"`
	Level    anchor.Level     `json:"level"` // who vouches for the anchor
	Anchor   string           `json:"anchor,omitempty"`
	Findings []ledger.Finding `json:"findings"`
}

// Refused names the first step that failed.
func (v *verdict) Refused() string {
	for _, f := range v.Findings {
		if f.State == ledger.Refused {
			return f.Step + ": " + f.Detail
		}
	}
	return "nothing was proven"
}

// verifyReceipt checks a receipt against the trust, and its anchor if it has
// one.
func verifyReceipt(r *assay.Receipt, t node.TrustFile) verdict {
	v := verdict{Index: r.Index, Level: anchor.Unproven, Findings: ledger.Verify(r, ledger.Trust{LogKey: t.LogKey, Witnesses: t.Witnesses, Quorum: t.Quorum})}
	if len(r.Anchor) > 0 {
		v.addAnchor(r, t)
	}
	v.Findings = append(v.Findings, timestamp.VerifyReceipt(r, t.Timestamp)...)
	v.OK = ledger.OK(v.Findings)
	return v
}

func (v *verdict) addAnchor(r *assay.Receipt, t node.TrustFile) {
	cp, err := anchor.ParseCheckpoint(r.Checkpoint)
	if err != nil {
		v.Findings = append(v.Findings, ledger.Finding{Step: "anchor", State: ledger.Refused, Detail: err.Error()})
		return
	}
	var trust anchor.Trust
	if t.Anchor != nil {
		trust = *t.Anchor
	}
	res := anchor.VerifyProof(r.Anchor, cp, trust)
	v.Level, v.Anchor = res.Level, res.Summary()
	for _, f := range res.Findings {
		state := ledger.Proven
		if !f.OK {
			state = ledger.Refused
		}
		v.Findings = append(v.Findings, ledger.Finding{Step: "anchor/" + string(f.Check), State: state, By: string(res.Level), Detail: f.Text})
	}
}

// finding prints one line of a verification.
func (u *ui) finding(f ledger.Finding) string {
	mark := u.green("proven ")
	switch f.State {
	case ledger.Refused:
		mark = u.red("REFUSED")
	case ledger.Absent:
		mark = u.faint("absent ")
	}
	by := ""
	if f.By != "" && f.State == ledger.Proven {
		by = u.faint("  [" + f.By + "]")
	}
	return fmt.Sprintf("%s  %-16s %s%s", mark, f.Step, f.Detail, by)
}

// maxReceipt bounds a receipt file.
const maxReceipt = ledger.MaxReceiptBytes

func readReceipt(path string) (*assay.Receipt, error) {
	b, err := readBounded(path, maxReceipt)
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
func readTrust(receipt, path string) (node.TrustFile, error) {
	var t node.TrustFile
	paths := []string{path}
	if path == "" {
		dir := filepath.Dir(receipt)
		paths = []string{filepath.Join(dir, node.TrustName), filepath.Join(filepath.Dir(dir), node.TrustName)}
	}
	for _, p := range paths {
		b, err := readBounded(p, maxReceipt)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return t, err
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields() // what is misspelt would be trusted in silence
		if err := d.Decode(&t); err != nil {
			return t, fmt.Errorf("%s is not a trust file: %w", p, err)
		}
		return t, nil
	}
	return t, fmt.Errorf("%w at %v: give the one you got when you began to use the log, with --trust", errNoTrust, paths)
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return b, err
}
