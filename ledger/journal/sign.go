// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

// flushSignatures is how often the signatures of promises are written to their files.
const flushSignatures = time.Second

// runSignatures writes signatures behind the replies.
func (j *Journal) runSignatures(finished <-chan struct{}) error {
	t := time.NewTicker(flushSignatures)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-finished:
			return nil // Close writes the rest
		case <-j.failed.done:
			return nil
		}
		if err := j.signatures.Flush(); err != nil {
			j.failFiles(err)
			return err
		}
	}
}

// signMissing signs the newest groups that are durable and have no signature, because a crash came between the two. Of
// a journal without any signature it looks at the last record file alone: others are signed when they are asked for.
func (j *Journal) signMissing(ctx context.Context) error {
	from, to := j.signatures.End(), j.durable.Load()
	if firsts := j.records.FirstSequences(); from == 0 && len(firsts) > 0 {
		from = firsts[len(firsts)-1]
	}
	return j.records.Groups(ctx, from, to, recordfile.PublicSections, func(b *recordfile.StoredGroup) error {
		if b.Version == 1 {
			return nil
		}
		hashes := make([]assay.Digest, b.Count)
		for i := range hashes {
			s, err := b.At(i)
			if err != nil {
				return err
			}
			hashes[i] = ledger.HashLeaf(s.Leaf)
		}
		var tree ledger.GroupTree
		tree.Reset(hashes)
		j.signatures.Add(b.First, b.Count, j.guard.SignPromise(b.First, b.Count, tree.Root()))
		return nil
	})
}
