// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"

	assay "github.com/assayrisk/assay"
)

// MaxReceiptBytes bounds a receipt that is read from bytes.
const MaxReceiptBytes = 8 << 20

// ParseReceipt reads a receipt file. It accepts only one spelling of each
// receipt, white space aside: what it reads must encode to the same bytes again,
// so that unknown, repeated or misspelt keys and loose base64 are refused. A part
// that a receipt lacks is null; a time stamp or an anchor is left out.
func ParseReceipt(b []byte) (*assay.Receipt, error) {
	if len(b) > MaxReceiptBytes {
		return nil, fmt.Errorf("receipt: %d bytes, at most %d are allowed: %w", len(b),
			MaxReceiptBytes, assay.ErrCorrupt)
	}
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("receipt: it is not UTF-8: %w", assay.ErrCorrupt)
	}
	var r assay.Receipt
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("receipt: %w: %w", err, assay.ErrCorrupt)
	}
	if i := slices.IndexFunc(r.Inclusion, func(h []byte) bool { return len(h) == 0 }); i >= 0 {
		return nil, fmt.Errorf("receipt: hash %d of inclusion is empty: %w", i, assay.ErrCorrupt)
	}
	var have, want bytes.Buffer
	if err := json.Compact(&have, b); err != nil {
		return nil, fmt.Errorf("receipt: %w: %w", err, assay.ErrCorrupt)
	}
	if err := encodeReceipt(&want, &r); err != nil {
		return nil, err
	}
	if !bytes.Equal(have.Bytes(), bytes.TrimSpace(want.Bytes())) {
		return nil, fmt.Errorf("receipt: keys are repeated, misspelt or out of order, or a value is not in its one "+
			"spelling: %w", assay.ErrCorrupt)
	}
	if len(r.Anchor) > 0 { // its bounds do not count white space
		have.Reset()
		if err := json.Compact(&have, r.Anchor); err != nil {
			return nil, fmt.Errorf("receipt: %w: %w", err, assay.ErrCorrupt)
		}
		r.Anchor = have.Bytes()
	}
	return &r, nil
}

// MarshalReceipt returns the receipt's file: one line of JSON.
func MarshalReceipt(r *assay.Receipt) ([]byte, error) {
	var b bytes.Buffer
	if err := encodeReceipt(&b, r); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func encodeReceipt(b *bytes.Buffer, r *assay.Receipt) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("receipt: %w: %w", err, assay.ErrCorrupt)
	}
	return nil
}
