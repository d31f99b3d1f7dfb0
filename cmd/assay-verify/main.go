// SPDX-License-Identifier: Apache-2.0

// Assay-verify checks a receipt with the network off and says, line by line,
// what is proven and by whom. It links the formats and the proofs and nothing
// that writes: no store, no log writer, no network client. TestIndependence
// holds it to that.
//
//	assay-verify --trust trust.json receipt.json
//	assay-verify --log-key 'origin+hash+key' --chain-id 1337 --contract 0x... receipt.json
//
// With both, what a flag says takes the place of what the trust file says.
//
// The exit status is 0 if something was proven and nothing refused, 1 if
// something was refused, 2 if the command was not understood.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/timestamp"
)

// maxTrustBytes bounds a trust file.
const maxTrustBytes = 1 << 20

// trust is what the auditor believes beforehand: the trust file.
type trust struct {
	LogKey    string          `json:"log_key"`             // the log's note verifier key
	Anchor    *anchor.Trust   `json:"anchor,omitempty"`    // chain, contract, validators, known blocks
	Timestamp timestamp.Trust `json:"timestamp,omitzero"`  // time-stamping authorities
	Witnesses []string        `json:"witnesses,omitempty"` // verifier keys of witnesses
	Quorum    int             `json:"quorum,omitempty"`    // how many of them must have cosigned, 0 for all
}

// verdict is the outcome, and the shape of --json.
type verdict struct {
	OK       bool             `json:"ok"`
	Index    uint64           `json:"index"`
	Level    anchor.Level     `json:"level"` // who vouches for the anchor
	Findings []ledger.Finding `json:"findings"`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("assay-verify", flag.ContinueOnError)
	fs.SetOutput(stderr)
	var t trust
	var a anchor.Trust
	trustFile := fs.String("trust", "", "trust file: {\"log_key\": ..., \"anchor\": {...}}")
	fs.StringVar(&t.LogKey, "log-key", "", "the log's verifier key, origin+hash+base64")
	fs.Uint64Var(&a.ChainID, "chain-id", 0, "the chain that must be named, 0 for any")
	fs.TextVar(&a.Contract, "contract", anchor.Address{}, "the contract that must be named")
	fs.Func("validator", "a trusted QBFT validator's address; give all of them", func(s string) error {
		v, err := anchor.ParseAddress(s)
		a.Validators = append(a.Validators, v)
		return err
	})
	fs.Func("block", "the hash of a block known to be final", func(s string) error {
		h, err := anchor.ParseHash(s)
		a.Blocks = append(a.Blocks, h)
		return err
	})
	fs.Func("witness", "a trusted witness's verifier key; all that are given must have cosigned", func(s string) error {
		t.Witnesses = append(t.Witnesses, s)
		return nil
	})
	fs.Func("tsa-cert", "PEM file of a trusted time-stamping authority's certificates, or of their issuers'", func(path string) error {
		b, err := readBounded(path, maxTrustBytes)
		if err != nil {
			return err
		}
		t.Timestamp.Certificates, err = timestamp.AppendPEM(t.Timestamp.Certificates, b)
		return err
	})
	asJSON := fs.Bool("json", false, "print one JSON object instead of lines")
	fs.Usage = func() {
		fmt.Fprintln(stderr, "usage: assay-verify (--trust FILE | --log-key KEY) [flags] RECEIPT")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if fs.NArg() != 1 || (*trustFile == "") == (t.LogKey == "") {
		fs.Usage()
		return 2
	}
	t.Anchor = &a
	if *trustFile != "" {
		file, err := readTrust(*trustFile)
		if err != nil {
			fmt.Fprintln(stderr, "assay-verify:", err)
			return 2
		}
		t = file.with(t)
	}
	b, err := readBounded(fs.Arg(0), ledger.MaxReceiptBytes)
	if err != nil {
		fmt.Fprintln(stderr, "assay-verify:", err)
		return 2
	}
	v := verify(b, t)
	if *asJSON {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		err = e.Encode(v)
	} else {
		for _, f := range v.Findings {
			if _, err = fmt.Fprintln(stdout, f); err != nil {
				break
			}
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "assay-verify:", err)
		return 2
	}
	if !v.OK {
		fmt.Fprintf(stderr, "assay-verify: %s is refused\n", fs.Arg(0))
		return 1
	}
	return 0
}

// verify checks a receipt's bytes: up to the checkpoint, then the anchor.
func verify(b []byte, t trust) verdict {
	r, err := ledger.ParseReceipt(b)
	if err != nil {
		return verdict{Level: anchor.Unproven, Findings: []ledger.Finding{{Step: ledger.StepReceipt, Detail: err.Error()}}}
	}
	v := verdict{Index: r.Index, Level: anchor.Unproven, Findings: ledger.Verify(r, ledger.Trust{LogKey: t.LogKey, Witnesses: t.Witnesses, Quorum: t.Quorum})}
	v.anchor(r, t)
	v.Findings = append(v.Findings, timestamp.VerifyReceipt(r, t.Timestamp)...)
	v.OK = ledger.OK(v.Findings)
	return v
}

func (v *verdict) anchor(r *assay.Receipt, t trust) {
	if len(r.Anchor) == 0 {
		v.Findings = append(v.Findings, ledger.Finding{Step: "anchor", State: ledger.Absent, Detail: "the receipt carries no anchor: nobody but the log has vouched for the checkpoint"})
		return
	}
	cp, err := ledger.ParseCheckpoint(r.Checkpoint, t.LogKey)
	if err != nil {
		v.Findings = append(v.Findings, ledger.Finding{Step: "anchor", Detail: "an anchor without a checkpoint that the log signed"})
		return
	}
	var at anchor.Trust
	if t.Anchor != nil {
		at = *t.Anchor
	}
	res := anchor.VerifyProof(r.Anchor, anchor.Checkpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root}, at)
	v.Level = res.Level
	for _, f := range res.Findings {
		state := ledger.Proven
		if !f.OK {
			state = ledger.Refused
		}
		v.Findings = append(v.Findings, ledger.Finding{Step: "anchor/" + string(f.Check), State: state, By: vouching(res), Detail: f.Text})
	}
}

// vouching says whose word an anchor's findings stand on.
func vouching(r anchor.Result) string {
	switch r.Level {
	case anchor.Sealed:
		return fmt.Sprintf("%d of %d validators", r.Seals, r.Validators)
	case anchor.Pinned:
		return "the block hash you gave"
	case anchor.SelfAttested:
		return "self-attested by the chain's operator"
	}
	return ""
}

// with returns a trust file's words with those of flags in their place, where
// there are any.
func (t trust) with(flags trust) trust {
	var a anchor.Trust
	if t.Anchor != nil {
		a = *t.Anchor
	}
	f := flags.Anchor
	if f.ChainID != 0 {
		a.ChainID = f.ChainID
	}
	if !f.Contract.IsZero() {
		a.Contract = f.Contract
	}
	if len(f.Validators) > 0 {
		a.Validators = f.Validators
	}
	if len(f.Blocks) > 0 {
		a.Blocks = f.Blocks
	}
	t.Anchor = &a
	if len(flags.Witnesses) > 0 {
		t.Witnesses, t.Quorum = flags.Witnesses, 0 // all of them
	}
	if len(flags.Timestamp.Certificates) > 0 {
		t.Timestamp.Certificates = flags.Timestamp.Certificates
	}
	return t
}

func readTrust(path string) (trust, error) {
	b, err := readBounded(path, maxTrustBytes)
	if err != nil {
		return trust{}, err
	}
	var t trust
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return trust{}, fmt.Errorf("trust file %s: %w", path, err)
	}
	if t.LogKey == "" {
		return trust{}, fmt.Errorf("trust file %s: log_key is missing", path)
	}
	return t, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s: more than %d bytes", path, limit)
	}
	return b, err
}
