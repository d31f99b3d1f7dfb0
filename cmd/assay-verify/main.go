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

	"github.com/assayrisk/assay/internal/bounded"
	"github.com/assayrisk/assay/internal/version"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/timestamp"
	"github.com/assayrisk/assay/ledger/verdict"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// flags are what the command line says.
type flags struct {
	trustFile, require string
	json               bool
	trust              verdict.Trust
	anchor             anchor.Trust
}

func run(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("assay-verify", flag.ContinueOnError)
	fs.SetOutput(stderr)
	f := new(flags)
	f.define(fs)
	fs.Usage = func() {
		fmt.Fprintln(stderr, "usage: assay-verify (--trust FILE | --log-key KEY) [flags] RECEIPT")
		fs.PrintDefaults()
	}
	showVersion := fs.Bool("version", false, "print which build this is")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *showVersion {
		fmt.Fprintln(stdout, "assay-verify version", version.String())
		return 0
	}
	if fs.NArg() != 1 || (f.trustFile == "") == (f.trust.LogKey == "") {
		fs.Usage()
		return 2
	}
	fail := func(err error) int {
		fmt.Fprintln(stderr, "assay-verify:", err)
		return 2
	}
	t, err := f.trusted()
	if err != nil {
		return fail(err)
	}
	b, err := bounded.ReadFile(fs.Arg(0), ledger.MaxReceiptBytes)
	if err != nil {
		return fail(err)
	}
	v := verdict.Verify(b, t)
	if err := print(stdout, &v, f.json); err != nil {
		return fail(err)
	}
	if !v.OK {
		fmt.Fprintf(stderr, "assay-verify: %s is refused\n", fs.Arg(0))
		return 1
	}
	return 0
}

func (f *flags) define(fs *flag.FlagSet) {
	t, a := &f.trust, &f.anchor
	fs.StringVar(&f.trustFile, "trust", "", "trust file: {\"log_key\": ..., \"anchor\": {...}}")
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
	fs.Func("witness", "a trusted witness's verifier key; all that are given must have cosigned, or --quorum of them",
		func(s string) error {
			t.Witnesses = append(t.Witnesses, s)
			return nil
		})
	fs.IntVar(&t.Quorum, "quorum", 0, "how many of the trusted witnesses must have cosigned, 0 for all")
	fs.Func("tsa-cert", "PEM file of a trusted time-stamping authority's certificates, or of their issuers'",
		func(path string) error {
			b, err := bounded.ReadFile(path, verdict.MaxTrustBytes)
			if err != nil {
				return err
			}
			t.Timestamp.Certificates, err = timestamp.AppendPEM(t.Timestamp.Certificates, b)
			return err
		})
	fs.StringVar(&f.require, "require", "",
		"refuse a receipt without these parts, with commas between: promise, checkpoint, witnesses, anchor, "+
			"timestamp; "+
			"those that the trust file requires are required in any case")
	fs.BoolVar(&f.json, "json", false, "print one JSON object instead of lines")
}

func print(w io.Writer, v *verdict.Verdict, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	for _, f := range v.Findings {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w, v.Summary)
	return err
}

// trusted returns the trust file's words with those of flags in their place,
// where there are any.
func (f *flags) trusted() (verdict.Trust, error) {
	t := f.trust
	if f.trustFile != "" {
		b, err := bounded.ReadFile(f.trustFile, verdict.MaxTrustBytes)
		if err != nil {
			return t, err
		}
		if t, err = verdict.ParseTrust(b); err != nil {
			return t, fmt.Errorf("trust file %s: %w", f.trustFile, err)
		}
	}
	t.Anchor = f.overAnchor(t.Anchor)
	if len(f.trust.Witnesses) > 0 {
		t.Witnesses, t.Quorum = f.trust.Witnesses, 0 // all of them
	}
	if f.trust.Quorum != 0 {
		t.Quorum = f.trust.Quorum
	}
	if len(f.trust.Timestamp.Certificates) > 0 {
		t.Timestamp.Certificates = f.trust.Timestamp.Certificates
	}
	if f.require != "" {
		if err := t.AddRequirements(f.require); err != nil {
			return t, err
		}
	}
	return t, t.Check()
}

// overAnchor returns what a trust file says of the chain, with the flags' words
// in its place.
func (f *flags) overAnchor(file *anchor.Trust) *anchor.Trust {
	var a anchor.Trust
	if file != nil {
		a = *file
	}
	if f.anchor.ChainID != 0 {
		a.ChainID = f.anchor.ChainID
	}
	if !f.anchor.Contract.IsZero() {
		a.Contract = f.anchor.Contract
	}
	if len(f.anchor.Validators) > 0 {
		a.Validators = f.anchor.Validators
	}
	if len(f.anchor.Blocks) > 0 {
		a.Blocks = f.anchor.Blocks
	}
	return &a
}
