// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/memlog"
)

// liar is a chain whose node lies about its head, its proof or its id; what is
// nil or zero is answered honestly.
type liar struct {
	*fakeChain
	head  func(Head) Head
	prove func(*Proof, Head) (*Proof, Head, error)
	id    uint64
}

func (l *liar) Head(ctx context.Context, id Hash) (Head, error) {
	h, err := l.fakeChain.Head(ctx, id)
	if err == nil && l.head != nil {
		h = l.head(h)
	}
	return h, err
}

func (l *liar) Prove(ctx context.Context, id Hash) (*Proof, Head, error) {
	p, h, err := l.fakeChain.Prove(ctx, id)
	if err == nil && l.prove != nil {
		return l.prove(p, h)
	}
	return p, h, err
}

func (l *liar) ChainID(ctx context.Context) (uint64, error) {
	if l.id != 0 {
		return l.id, nil
	}
	return l.fakeChain.ChainID(ctx)
}

func larger(h Head) Head { h.Size += 1000; h.Root[0]++; return h }

func otherRoot(h Head) Head { h.Root[0]++; return h }

// TestHeadsAreProven: a head that contradicts the log is believed only with a
// proof, both in a round and at a start; nothing is sent to another chain; and
// when the node tells the truth again, anchoring goes on.
func TestHeadsAreProven(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lie  func(l *liar)
		want State
		kind error // of Confirm's error
	}{
		"larger, the proof is of the true one": {func(l *liar) { l.head = larger }, Unavailable, assay.ErrUnavailable},
		"larger, the proof does not hold": {func(l *liar) {
			l.head, l.prove = larger, func(p *Proof, h Head) (*Proof, Head, error) { return p, larger(h), nil }
		}, Unavailable, assay.ErrUnavailable},
		"larger, no proof": {func(l *liar) {
			l.head, l.prove = larger, func(*Proof, Head) (*Proof, Head, error) { return nil, Head{}, errNode }
		}, Unavailable, assay.ErrUnavailable},
		"larger, the proof holds": {func(l *liar) {
			l.head, l.prove = larger, func(_ *Proof, h Head) (*Proof, Head, error) {
				w := world{chainID: 5, head: larger(h), logID: LogID(testOrigin), others: 3, number: 9}
				return w.prove(l.t), larger(h), nil
			}
		}, Contradicted, assay.ErrCorrupt},
		"of another root": {func(l *liar) { l.head = otherRoot }, Unavailable, assay.ErrUnavailable},
		"another chain":   {func(l *liar) { l.id = 6 }, Misconfigured, assay.ErrPrecondition},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, log := &liar{fakeChain: newFakeChain(t)}, memlog.New(testOrigin)
				a, err := Open(t.TempDir(), testOrigin, log, l, Config{ChainID: 5})
				if err != nil {
					t.Fatal(err)
				}
				log.Grow(10)
				finish(t, a, l.fakeChain)
				c.lie(l)
				sent := l.mu.calls["Send"]
				if err := a.ConfirmNewest(t.Context(), log.Size()); !errors.Is(err, c.kind) {
					t.Errorf("Confirm: %v, want %v", err, c.kind)
				}
				log.Grow(5)
				for range 10 {
					if _, err := a.round(t.Context()); err == nil {
						t.Fatalf("a round ends well: %+v", a.Status())
					}
				}
				if st := a.Status(); st.State != c.want || st.Size != 10 {
					t.Errorf("state %q at %d leaves (%v), want %q at 10", st.State, st.Size, st.Err, c.want)
				}
				if n := l.mu.calls["Send"]; n != sent {
					t.Errorf("%d transactions were sent", n-sent)
				}
				l.head, l.prove, l.id = nil, nil, 0
				if finish(t, a, l.fakeChain); a.Status().Size != log.Size() {
					t.Errorf("after the lie %d of %d leaves are anchored", a.Status().Size, log.Size())
				}
			})
		})
	}
}
