// SPDX-License-Identifier: Apache-2.0

package anchor

import (
	"context"
	"encoding/base64"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/transparency-dev/merkle/rfc6962"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/memlog"
)

// emptySource is a log that has published its empty tree.
type emptySource struct{ *memlog.Log }

func (emptySource) Checkpoint(context.Context) ([]byte, error) {
	root := base64.StdEncoding.EncodeToString(rfc6962.DefaultHasher.EmptyRoot())
	return []byte(testOrigin + "\n0\n" + root + "\n\n\u2014 x AAAAAAA=\n"), nil
}

// TestConfirm: an empty log, a log that the chain knows, one that it knows in
// part, a node that is behind, and one that cannot be reached.
func TestConfirm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		chain, log := newFakeChain(t), memlog.New(testOrigin)
		empty, err := Open(t.TempDir(), testOrigin, emptySource{log}, chain, Config{ChainID: 5})
		if err != nil {
			t.Fatal(err)
		}
		if err := empty.ConfirmNewest(t.Context(), 0); err != nil || empty.HasAnchored() {
			t.Errorf("an empty log: %v", err)
		}
		a, err := Open(t.TempDir(), testOrigin, log, chain, Config{ChainID: 5})
		if err != nil {
			t.Fatal(err)
		}
		log.Grow(10)
		finish(t, a, chain)
		for range 2 {
			if err := a.ConfirmNewest(t.Context(), log.Size()); err != nil || !a.HasAnchored() {
				t.Errorf("a log of %d leaves, 10 of them anchored: %v", log.Size(), err)
			}
			log.Grow(5)
		}
		if err := empty.ConfirmNewest(t.Context(), 0); !errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("an empty log, and the chain has 10 leaves: %v", err)
		}
		if err := empty.ConfirmNewest(t.Context(), 10); !errors.Is(err, ErrUnpublished) {
			t.Errorf("a log of 10 records that has published none of them: %v", err)
		}
		chain.drop(100, true)
		if err := a.ConfirmNewest(t.Context(), log.Size()); err == nil || errors.Is(err, assay.ErrCorrupt) {
			t.Errorf("a node that is behind: %v", err)
		}
		chain.set(func() { chain.mu.fault = func(string) (error, error) { return errNode, nil } })
		if err := a.ConfirmNewest(t.Context(), log.Size()); !errors.Is(err, errNode) {
			t.Errorf("a node that cannot be reached: %v", err)
		}
	})
}
