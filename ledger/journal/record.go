// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"encoding/binary"
	"fmt"
	"slices"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/vault"
)

// Bounds on one record. A larger one is refused, and a record of kind Failed is
// stored in its place.
const (
	MaxPartBytes = 1 << 20 // Decision, Vector, Private: each
	MaxNameBytes = 4 << 10 // Subject, Caller, RequestID: each
)

// Tag is a pseudonym of a caller's request id: equal ids have equal tags, and without the journal's own key a tag says
// nothing. The zero Tag is none.
type Tag = recordfile.Tag

// Record is one event in the journal. Kind, time and digests are in the public leaf. The business part is sealed under
// the programme's key and stays when a subject is erased or retention has passed; the personal part, all the rest, is
// sealed under the subject's key.
type Record struct {
	Kind                ledger.Kind
	Micros              int64        // server clock, microseconds since the Unix epoch
	Subject             string       // its key seals the personal part; "" is the system, which cannot be erased
	Owner               Party        // of Subject, if the caller has looked it up; else Append does
	Caller, RequestID   string       // for idempotency, see Lookup; an empty RequestID is not indexed
	Tag                 Tag          // of Caller and RequestID, if the caller has made it; zero: Append makes it
	Body                assay.Digest // digest of the request body
	Model, Plan, Policy assay.Digest
	Decision            []byte // canonical bytes; the first commitment opens to them
	Vector              []byte // canonical bytes; the second commitment opens to them
	Private             []byte // what else of the event is personal; all of the event in records of format 1

	Parties      []Party    // those whom the business part names, in its order: new keys are durable with the record
	PartyNumbers []vault.ID // of a record that was read: the ids of the parties' keys
	Business     []byte     // what stays of the event: no name, and nothing that is personal
}

// maxParties bounds Record.Parties.
const maxParties = 64

func (r *Record) check() error {
	switch {
	case !r.Kind.Valid():
		return fmt.Errorf("record: %s is unknown: %w", r.Kind, assay.ErrInvalid)
	case len(r.Decision) > MaxPartBytes || len(r.Vector) > MaxPartBytes || len(r.Private) > MaxPartBytes ||
		len(r.Business) > MaxPartBytes:
		return fmt.Errorf("record: a part is larger than %d bytes: %w", MaxPartBytes, assay.ErrInvalid)
	case len(r.Subject) > MaxNameBytes || len(r.Caller) > MaxNameBytes || len(r.RequestID) > MaxNameBytes:
		return fmt.Errorf("record: a name is longer than %d bytes: %w", MaxNameBytes, assay.ErrInvalid)
	case len(r.Parties) > maxParties:
		return fmt.Errorf("record: %d parties, at most %d: %w", len(r.Parties), maxParties, assay.ErrInvalid)
	case slices.Contains(r.Parties, Party{}):
		return fmt.Errorf("record: a party was not looked up: %w", assay.ErrInvalid)
	}
	return nil
}

// appendPersonal appends the plaintext of the personal part: body digest, then
// subject, caller, request id, decision, vector and private, each with its
// length in front as an unsigned varint.
func (r *Record) appendPersonal(b []byte) []byte {
	b = append(b, r.Body[:]...)
	for _, s := range [...]string{r.Subject, r.Caller, r.RequestID} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	for _, p := range [...][]byte{r.Decision, r.Vector, r.Private} {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// parsePersonal reads what appendPersonal writes into r.
func (r *Record) parsePersonal(b []byte) error {
	bad := func() error { return fmt.Errorf("record: the personal part is cut short: %w", assay.ErrCorrupt) }
	if len(b) < len(r.Body) {
		return bad()
	}
	copy(r.Body[:], b)
	b = b[len(r.Body):]
	next := func() ([]byte, bool) {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			return nil, false
		}
		p := b[w : w+int(n)]
		b = b[w+int(n):]
		return p, true
	}
	for _, s := range [...]*string{&r.Subject, &r.Caller, &r.RequestID} {
		p, ok := next()
		if !ok {
			return bad()
		}
		*s = string(p)
	}
	for _, d := range [...]*[]byte{&r.Decision, &r.Vector, &r.Private} {
		p, ok := next()
		if !ok {
			return bad()
		}
		*d = p
	}
	if len(b) != 0 {
		return fmt.Errorf("record: %d bytes after the personal part's end: %w", len(b), assay.ErrCorrupt)
	}
	return nil
}

// sealContext is the data that a sealed part is bound to: its sequence number and
// its leaf.
func sealContext(seq uint64, leafHash assay.Digest) [40]byte {
	var ad [40]byte
	binary.BigEndian.PutUint64(ad[:], seq)
	copy(ad[8:], leafHash[:])
	return ad
}
