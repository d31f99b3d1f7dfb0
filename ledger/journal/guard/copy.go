// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
)

// CopyConfirmed reports whether the copy of the high-water mark that is kept elsewhere (Config.Copy) was there when the
// guard was opened, and has confirmed that the journal is not older than what was signed.
func (g *Guard) CopyConfirmed() bool { return g.copyConfirmed }

// checkCopy compares the journal with the copy of the high-water mark, if there is
// one. The copy is written first, so that it is never behind the mark itself.
func (g *Guard) checkCopy(ctx context.Context, high ledger.Checkpoint) error {
	path := g.cfg.Copy
	if path == "" {
		return nil
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the next checkpoint writes it; until then it confirms nothing
	}
	if err != nil {
		return fmt.Errorf("guard: the copy of the high-water mark: %w", err)
	}
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: the copy %s: "+format+": %w", append(append([]any{ErrFork, path}, args...),
			assay.ErrCorrupt)...)
	}
	cp, err := ledger.ParseCheckpointBody(b)
	switch {
	case err != nil:
		return refuse("%v", err)
	case cp.String() != string(b):
		return refuse("it is not in the one spelling of a checkpoint")
	case cp.Origin != g.key.Origin:
		return refuse("it is of log %q, the key of log %q", cp.Origin, g.key.Origin)
	case cp.Size > g.records.Durable():
		return refuse("a checkpoint of %d records was signed, the journal holds %d: "+
			"the directory is an older copy, or was cut",
			cp.Size, g.records.Durable())
	case cp.Size < high.Size:
		return refuse("it is at %d, the directory's mark at %d: it is an older copy, or another directory's",
			cp.Size, high.Size)
	}
	root, err := g.extend(ctx, NewTree(), cp.Size)
	if err != nil {
		return err
	}
	if root != cp.Root {
		return refuse("the journal's first %d records have root %s, and %s was signed: records were changed", cp.Size,
			root.Short(), cp.Root.Short())
	}
	g.copyConfirmed = cp.Size > 0
	return nil
}
