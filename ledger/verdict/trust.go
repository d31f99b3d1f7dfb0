// SPDX-License-Identifier: Apache-2.0

package verdict

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/timestamp"
)

// MaxTrustBytes bounds a trust file that is read.
const MaxTrustBytes = 1 << 20

// Trust is what a verifier trusts before it reads a receipt. As JSON it is a trust
// file.
type Trust struct {
	LogKey    string          `json:"log_key"`            // note verifier key of the log
	Anchor    *anchor.Trust   `json:"anchor,omitempty"`   // chain, contract, validators, known blocks
	Timestamp timestamp.Trust `json:"timestamp,omitzero"` // time-stamping authorities
	// verifier keys of witnesses, for auditors: a server names none
	Witnesses []string `json:"witnesses,omitempty"`
	// how many of them must have cosigned a checkpoint, 0 for all
	Quorum  int           `json:"quorum,omitempty"`
	Require []Requirement `json:"require,omitempty"` // parts without which a receipt is refused
}

// Requirement names a part of a receipt that a trust can require.
type Requirement string

// The requirements. The part must be there and be proven.
const (
	RequirePromise    Requirement = "promise"    // by the log's key
	RequireCheckpoint Requirement = "checkpoint" // with its audit path, by the log's key
	RequireWitnesses  Requirement = "witnesses"  // the quorum of the trusted witnesses
	RequireAnchor     Requirement = "anchor"     // sealed by the trusted validators, or in a block that is pinned
	RequireTimestamp  Requirement = "timestamp"  // by a pinned authority
)

// Requirements returns everything that can be required.
func Requirements() []Requirement {
	return []Requirement{RequirePromise, RequireCheckpoint, RequireWitnesses, RequireAnchor, RequireTimestamp}
}

// ParseRequirements reads requirements with commas between them, as a flag gives
// them.
func ParseRequirements(s string) ([]Requirement, error) {
	var out []Requirement
	for p := range strings.SplitSeq(s, ",") {
		out = append(out, Requirement(p))
	}
	return out, checkRequirements(out)
}

// AddRequirements adds what a flag requires to what the trust requires already:
// a flag can remove nothing that a trust file requires.
func (t *Trust) AddRequirements(s string) error {
	parts, err := ParseRequirements(s)
	if err != nil {
		return err
	}
	all := slices.Clone(t.Require)
	for _, p := range parts {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	t.Require = all
	return nil
}

func checkRequirements(parts []Requirement) error {
	for i, p := range parts {
		if !slices.Contains(Requirements(), p) {
			return fmt.Errorf("require: %q is not a part of a receipt: want some of %v: %w", p,
				Requirements(), assay.ErrInvalid)
		}
		if slices.Contains(parts[:i], p) {
			return fmt.Errorf("require: %q is there twice: %w", p, assay.ErrInvalid)
		}
	}
	return nil
}

// Check reports what is wrong with a trust: anything that would silently not be
// checked, and requirements that no receipt could meet.
func (t *Trust) Check() error {
	k, err := ledger.ParseKey(t.LogKey)
	if err != nil {
		return fmt.Errorf("log_key: %w", err)
	}
	if k.String() != t.LogKey {
		return fmt.Errorf("log_key: it is not in its one spelling, which is %s: %w", k, assay.ErrInvalid)
	}
	if err := t.checkWitnesses(); err != nil {
		return err
	}
	if t.Anchor != nil {
		if err := checkAnchorTrust(t.Anchor); err != nil {
			return err
		}
	}
	if err := t.Timestamp.Check(); err != nil {
		return fmt.Errorf("timestamp: %w", err)
	}
	if err := checkRequirements(t.Require); err != nil {
		return err
	}
	vouched := t.Anchor != nil && len(t.Anchor.Validators)+len(t.Anchor.Blocks) > 0
	for _, c := range []struct {
		part  Requirement
		given bool
		want  string
	}{
		{RequireWitnesses, len(t.Witnesses) > 0, "witnesses"},
		{RequireAnchor, vouched, "the chain's validators or the hash of a block"},
		{RequireTimestamp, len(t.Timestamp.Certificates) > 0, "an authority's certificate"},
	} {
		if slices.Contains(t.Require, c.part) && !c.given {
			return fmt.Errorf("require: no receipt could have %q, because none is trusted: give %s: %w", c.part, c.want,
				assay.ErrInvalid)
		}
	}
	return nil
}

func (t *Trust) checkWitnesses() error {
	keys, err := ledger.ParseWitnessKeys(t.Witnesses)
	if err != nil {
		return fmt.Errorf("witnesses: %w", err)
	}
	for i := range keys {
		if strings.TrimSpace(t.Witnesses[i]) != t.Witnesses[i] {
			return fmt.Errorf("witnesses: white space around the key of %s: %w", keys[i].Origin, assay.ErrInvalid)
		}
	}
	if t.Quorum < 0 || t.Quorum > len(keys) {
		return fmt.Errorf("quorum: %d of %d witnesses: want 1 to as many as are listed, or leave it out for all: %w",
			t.Quorum, len(keys), assay.ErrInvalid)
	}
	return nil
}

// checkAnchorTrust refuses values that are in a list twice, and zeros, which nothing has.
func checkAnchorTrust(a *anchor.Trust) error {
	if err := checkDistinct("anchor.validators", a.Validators, anchor.Address.IsZero); err != nil {
		return err
	}
	if err := checkDistinct("anchor.blocks", a.Blocks, anchor.Hash.IsZero); err != nil {
		return err
	}
	return checkDistinct("anchor.code_hashes", a.CodeHashes, anchor.Hash.IsZero)
}

func checkDistinct[T comparable](field string, list []T, zero func(T) bool) error {
	for i, x := range list {
		if zero(x) {
			return fmt.Errorf("%s: %v is zero, which nothing has: %w", field, x, assay.ErrInvalid)
		}
		if slices.Contains(list[:i], x) {
			return fmt.Errorf("%s: %v is there twice: %w", field, x, assay.ErrInvalid)
		}
	}
	return nil
}

// ParseTrust reads a trust file. Unknown, misspelt and repeated fields, bytes
// after the object and fields that say nothing (null, an empty list or text,
// zero) are errors: what is not trusted is left out.
func ParseTrust(b []byte) (Trust, error) {
	bad := func(err error) (Trust, error) {
		return Trust{}, fmt.Errorf("trust: %w", err)
	}
	if len(b) > MaxTrustBytes {
		return bad(fmt.Errorf("%d bytes, at most %d are read: %w", len(b), MaxTrustBytes, assay.ErrInvalid))
	}
	if err := checkText(b); err != nil {
		return bad(err)
	}
	var t Trust
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return bad(fmt.Errorf("%w: %w", err, assay.ErrInvalid))
	}
	if err := t.Check(); err != nil {
		return bad(err)
	}
	return t, nil
}

// checkText refuses JSON that decoding into a struct would accept without notice.
func checkText(b []byte) error {
	if !utf8.Valid(b) {
		return fmt.Errorf("it is not UTF-8: %w", assay.ErrInvalid)
	}
	w := jsonWalk{d: json.NewDecoder(strings.NewReader(string(b)))}
	w.d.UseNumber()
	err := w.value("")
	if err == nil {
		if _, err = w.d.Token(); err == nil {
			err = errors.New("bytes follow the object")
		} else if errors.Is(err, io.EOF) {
			return nil
		}
	}
	return fmt.Errorf("%w: %w", err, assay.ErrInvalid)
}

// jsonWalk reads one JSON value, token by token.
type jsonWalk struct {
	d     *json.Decoder
	depth int
}

// maxTrustDepth is more than a trust file has.
const maxTrustDepth = 8

// value reads the value of a field; the name is for the error.
func (w *jsonWalk) value(field string) error {
	t, err := w.d.Token()
	if err != nil {
		return err
	}
	nothing := fmt.Errorf("%q says nothing: leave it out", field)
	switch x := t.(type) {
	case nil, bool:
		return nothing
	case json.Number:
		if n, err := x.Int64(); err == nil && n == 0 {
			return nothing
		}
	case string:
		switch {
		case x == "", strings.Trim(x, "0") == "x": // 0x000..., the address that nobody has
			return nothing
		case strings.ContainsRune(x, utf8.RuneError):
			return fmt.Errorf("%q has an invalid character", field)
		}
	case json.Delim:
		if w.depth++; w.depth > maxTrustDepth {
			return errors.New("it is nested too deeply")
		}
		defer func() { w.depth-- }()
		n, err := w.items(field, x == '{')
		if err != nil {
			return err
		}
		if n == 0 {
			return nothing
		}
		_, err = w.d.Token() // the end of it
		return err
	}
	return nil
}

// items reads what an object or a list holds.
func (w *jsonWalk) items(field string, object bool) (n int, err error) {
	seen := map[string]bool{}
	for ; w.d.More(); n++ {
		name := field
		if object {
			t, err := w.d.Token()
			if err != nil {
				return n, err
			}
			name, _ = t.(string)
			if seen[name] {
				return n, fmt.Errorf("%q is there twice", name)
			}
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
				return n, fmt.Errorf("%q is not a field of a trust file", name)
			}
			seen[name] = true
		}
		if err := w.value(name); err != nil {
			return n, err
		}
	}
	return n, nil
}
