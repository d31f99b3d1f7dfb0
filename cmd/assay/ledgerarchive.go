// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/assayrisk/assay/ledger/journal"
)

// moveToArchive moves old record files to the archive, or back.
func (f *ledgerFlags) moveToArchive(ctx context.Context, u *ui) error {
	if f.keep < 1 {
		return usagef("--keep %d: the newest record file always stays", f.keep)
	}
	return f.withJournal(ctx, func(j *journal.Journal) error {
		progress := func(r journal.ArchiveReport) { u.Progress("%d files, %.1f MB", r.Files, float64(r.Bytes)/1e6) }
		step, done, move := "bring record files back", "brought back from", j.Fetch
		if !f.fetch {
			step, done = "move record files", "moved to"
			move = func(ctx context.Context, moved func(journal.ArchiveReport)) (journal.ArchiveReport, error) {
				return j.Archive(ctx, f.keep, moved)
			}
		}
		u.Step("%s", step)
		rep, err := move(ctx, progress)
		if err != nil {
			return err
		}
		u.Done("%d files", rep.Files)
		u.printf("%d record files (%.1f MB) %s the archive; %d are in the directory\n", rep.Files,
			float64(rep.Bytes)/1e6, done, rep.Left)
		return nil
	})
}
