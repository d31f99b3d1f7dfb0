// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/snapshot"
	"github.com/assayrisk/assay/ledger/journal/statefile"
	"github.com/assayrisk/assay/ledger/vault"
)

// A stored state is an unsigned varint and so many bytes of storedHead, then for each of its windows an unsigned varint
// and so many bytes of snapshot.Changes.

// storedHead is the head of a stored state, in CBOR.
type storedHead struct {
	Version uint8           `cbor:"0,keyasint"`
	Chain   []uint64        `cbor:"1,keyasint"` // numbers of the snapshots before that it needs, rising
	Acts    []byte          `cbor:"2,keyasint"` // see storedActs
	Late    [][]storedLate  `cbor:"3,keyasint"`
	Windows []storedWindows `cbor:"4,keyasint"`
	Retired uint64          `cbor:"5,keyasint"` // records below this number have no personal part
	Last    assay.Digest    `cbor:"6,keyasint"` // hash of the leaf of the last record before
}

// storedWindows are the windows of one plan in a storedHead.
type storedWindows struct {
	Plan   assay.Digest `cbor:"0,keyasint"`
	Header []byte       `cbor:"1,keyasint"` // see features.Snapshot
	Whole  bool         `cbor:"2,keyasint"` // its changes lead from an empty directory
	Digest assay.Digest `cbor:"3,keyasint"`
}

// storedLate is an event that came late, for answers to a repeated request.
type storedLate struct {
	Sequence uint64        `cbor:"0,keyasint"`
	Behind   time.Duration `cbor:"1,keyasint"`
	Windows  []string      `cbor:"2,keyasint"`
}

// marshal makes the bytes of a state that is stored after a chain of others.
func (t *takenState) marshal(chain []uint64) ([]byte, error) {
	h := storedHead{Version: 1, Acts: t.acts, Late: t.late, Retired: t.retired, Last: t.lastLeaf}
	for _, w := range t.windows {
		if !w.whole {
			h.Chain = chain
		}
		h.Windows = append(h.Windows, storedWindows{w.plan.Digest(), w.taken.Header(), w.whole, w.taken.Digest(w.dir)})
	}
	head, err := assay.MarshalCBOR(&h)
	if err != nil {
		return nil, err
	}
	b := append(binary.AppendUvarint(nil, uint64(len(head))), head...)
	for _, w := range t.windows {
		c := w.changes.Append(nil)
		b = append(binary.AppendUvarint(b, uint64(len(c))), c...)
	}
	return b, nil
}

// storedState is a state that was read: what its windows need is made when their plan is known.
type storedState struct {
	number uint64
	head   storedHead
	acts   inForce
	folded map[assay.Digest]*snapshot.Directory
	files  *statefile.Files
	sizes  struct{ whole, changes int }
}

// readState reads a stored state and those before it that it needs.
func readState(files *statefile.Files, number uint64) (*storedState, error) {
	s := &storedState{number: number, files: files, folded: map[assay.Digest]*snapshot.Directory{}}
	raw, err := files.State(number)
	if err != nil {
		return nil, err
	}
	head, changes, err := parseState(raw)
	if err != nil {
		return nil, err
	}
	s.head = *head
	for i, n := range head.Chain {
		before, err := files.State(n)
		if err != nil {
			return nil, err
		}
		h, c, err := parseState(before)
		if err == nil {
			err = s.fold(h, c)
		}
		if err != nil {
			return nil, fmt.Errorf("the snapshot of %d: %w", n, err)
		}
		if i == 0 {
			s.sizes.whole = len(before)
		} else {
			s.sizes.changes += len(before)
		}
	}
	if len(head.Chain) == 0 {
		s.sizes.whole = len(raw)
	} else {
		s.sizes.changes += len(raw)
	}
	if err := s.fold(head, changes); err != nil {
		return nil, err
	}
	for _, w := range head.Windows {
		if got := features.StateDigest(w.Header, s.folded[w.Plan]); got != w.Digest {
			return nil, fmt.Errorf("the windows of plan %s have the digest %s, the snapshot says %s: %w",
				w.Plan.Short(), got.Short(), w.Digest.Short(), assay.ErrCorrupt)
		}
	}
	return s, s.acts.unmarshal(head.Acts)
}

// parseState divides a stored state.
func parseState(b []byte) (*storedHead, [][]byte, error) {
	next := func() ([]byte, bool) {
		n, w := binary.Uvarint(b)
		if w <= 0 || n > uint64(len(b)-w) {
			return nil, false
		}
		part := b[w : w+int(n)]
		b = b[w+int(n):]
		return part, true
	}
	raw, ok := next()
	if !ok {
		return nil, nil, fmt.Errorf("the snapshot is cut short: %w", assay.ErrCorrupt)
	}
	h := new(storedHead)
	if err := assay.UnmarshalCBOR(raw, h); err != nil {
		return nil, nil, err
	}
	if h.Version != 1 {
		return nil, nil, fmt.Errorf("a snapshot of version %d: %w", h.Version, assay.ErrPrecondition)
	}
	parts := make([][]byte, len(h.Windows))
	for i := range parts {
		if parts[i], ok = next(); !ok {
			return nil, nil, fmt.Errorf("the snapshot is cut short: %w", assay.ErrCorrupt)
		}
	}
	if len(b) > 0 {
		return nil, nil, fmt.Errorf("%d bytes follow the snapshot: %w", len(b), assay.ErrCorrupt)
	}
	return h, parts, nil
}

// fold applies the changes of a state to the directories. Those of a plan that the state lacks are dropped.
func (s *storedState) fold(h *storedHead, changes [][]byte) error {
	folded := map[assay.Digest]*snapshot.Directory{}
	for i, w := range h.Windows {
		c, err := snapshot.ReadChanges(changes[i])
		if err != nil {
			return err
		}
		d := s.folded[w.Plan]
		if w.Whole {
			d = snapshot.NewDirectory()
		}
		if d == nil {
			return fmt.Errorf("the snapshot before lacks the windows of plan %s: %w", w.Plan.Short(), assay.ErrCorrupt)
		}
		folded[w.Plan] = d.Apply(c)
	}
	s.folded = folded
	return nil
}

// windows makes the windows of a plan, nil if the state has none.
func (s *storedState) windows(p *features.Plan) (*Windows, error) {
	if s == nil {
		return nil, nil
	}
	i := slices.IndexFunc(s.head.Windows, func(w storedWindows) bool { return w.Plan == p.Digest() })
	if i < 0 {
		return nil, nil
	}
	w := &Windows{plan: p, directory: s.folded[p.Digest()]}
	var err error
	w.state, err = p.RestoreState(s.head.Windows[i].Header, w.directory, func(e *snapshot.Entry) ([]byte, error) {
		if e.Place == (snapshot.Place{}) {
			return nil, snapshot.ErrErased
		}
		b, err := s.files.Read(statefile.Place(e.Place), w.parties(e.Name), w.label(e.Name))
		if errors.Is(err, vault.ErrErased) {
			err = fmt.Errorf("%w: %w", snapshot.ErrErased, err)
		}
		return b, err
	})
	return w, err
}

// storedActs is what acts add up to, in CBOR.
type storedActs struct {
	LastActivation *Act             `cbor:"0,keyasint,omitempty"`
	AdminActed     bool             `cbor:"1,keyasint"`
	LastPolicy     []byte           `cbor:"2,keyasint,omitempty"`
	Loaded         []string         `cbor:"3,keyasint,omitempty"` // rising
	Shadows        []string         `cbor:"4,keyasint,omitempty"`
	Pending        []storedProposal `cbor:"5,keyasint,omitempty"`
	LastStart      *Act             `cbor:"6,keyasint,omitempty"`
	WindowKernels  int              `cbor:"7,keyasint"`
	Current        storedDecider    `cbor:"8,keyasint"`
	LastDecision   storedDecider    `cbor:"9,keyasint"`
}

type storedProposal struct {
	Open   assay.Digest `cbor:"0,keyasint"`
	By     string       `cbor:"1,keyasint"`
	Text   string       `cbor:"2,keyasint"`
	Micros int64        `cbor:"3,keyasint"`
}

type storedDecider struct {
	Model  assay.Digest `cbor:"0,keyasint"`
	Plan   assay.Digest `cbor:"1,keyasint"`
	Policy assay.Digest `cbor:"2,keyasint"`
}

func (d decider) stored() storedDecider { return storedDecider{d.model, d.plan, d.policy} }

func (d storedDecider) decider() decider { return decider{d.Model, d.Plan, d.Policy} }

// marshal makes the bytes of what acts add up to: storedActs.
func (s *inForce) marshal() ([]byte, error) {
	out := storedActs{LastActivation: s.lastActivation, AdminActed: s.adminActed, LastPolicy: s.lastPolicy,
		Shadows: s.shadows, LastStart: s.lastStart, WindowKernels: s.windowKernels,
		Current: s.current.stored(), LastDecision: s.lastDecision.stored()}
	for _, name := range slices.Sorted(maps.Keys(s.loaded)) {
		if s.loaded[name] {
			out.Loaded = append(out.Loaded, name)
		}
	}
	for open, p := range s.pending {
		out.Pending = append(out.Pending, storedProposal{open, p.By, p.Text, p.At.UnixMicro()})
	}
	slices.SortFunc(out.Pending, func(a, b storedProposal) int { return bytes.Compare(a.Open[:], b.Open[:]) })
	return assay.MarshalCBOR(&out)
}

// unmarshal reads what marshal made.
func (s *inForce) unmarshal(b []byte) error {
	var in storedActs
	if err := assay.UnmarshalCBOR(b, &in); err != nil {
		return err
	}
	*s = inForce{lastActivation: in.LastActivation, adminActed: in.AdminActed, lastPolicy: in.LastPolicy,
		shadows: in.Shadows, lastStart: in.LastStart, windowKernels: in.WindowKernels,
		current: in.Current.decider(), lastDecision: in.LastDecision.decider()}
	for _, name := range in.Loaded {
		if s.loaded == nil {
			s.loaded = map[string]bool{}
		}
		s.loaded[name] = true
	}
	for _, p := range in.Pending {
		if s.pending == nil {
			s.pending = map[assay.Digest]Proposal{}
		}
		s.pending[p.Open] = Proposal{p.By, p.Text, time.UnixMicro(p.Micros)}
	}
	return nil
}
