// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"context"
	"fmt"
	"math"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal/tilelog"
)

// ArchiveReport counts what Archive or Fetch moved.
type ArchiveReport struct {
	Files int   // record files
	Bytes int64 // of them
	Left  int   // record files that stay in the directory
}

// Archive moves full record files, all but the newest keep (at least one), to Config.Archive, from which they are read
// from then on. Files stay whose records are not under a published checkpoint, or are in the log's last bundle of
// entries, which a start reads: so a journal goes on while its archive is out of reach. It refuses an archive from
// which nothing could be removed, since retention may have to remove from it. What was moved stays moved if it fails in
// the middle. It may be called while the journal runs.
func (j *Journal) Archive(ctx context.Context, keep int, moved func(ArchiveReport)) (rep ArchiveReport, err error) {
	if j.cfg.Archive == nil {
		return rep, fmt.Errorf("archive: none is configured: name one with the setting archive (--archive FILE): %w",
			assay.ErrInvalid)
	}
	if err := j.cfg.Archive.CheckRemoval(ctx); err != nil {
		return rep, err
	}
	_, size := j.Checkpoint()
	size -= size % tilelog.EntriesPerBundle
	return j.eachFile(func(f recordFile) (int64, error) {
		if f.newer < max(keep, 1) || f.end > size {
			return 0, nil
		}
		return j.records.MoveAway(ctx, f.first)
	}, moved)
}

// Fetch brings every record file back from the archive, and removes it there.
func (j *Journal) Fetch(ctx context.Context, moved func(ArchiveReport)) (ArchiveReport, error) {
	return j.eachFile(func(f recordFile) (int64, error) { return j.records.Fetch(ctx, f.first) }, moved)
}

// recordFile is a record file among the others.
type recordFile struct {
	first, end uint64 // its records; end is not known of the last file
	newer      int    // files behind it
}

// eachFile calls move for each record file and counts the bytes that it returns.
func (j *Journal) eachFile(move func(recordFile) (int64, error),
	moved func(ArchiveReport)) (rep ArchiveReport, err error) {
	j.filesMu.Lock()
	defer j.filesMu.Unlock()
	firsts := j.records.FirstSequences()
	for i, first := range firsts {
		f := recordFile{first: first, end: math.MaxUint64, newer: len(firsts) - 1 - i}
		if f.newer > 0 {
			f.end = firsts[i+1]
		}
		n, err := move(f)
		if err != nil {
			return rep, fmt.Errorf("archive: %w", err)
		}
		if n > 0 {
			rep.Files, rep.Bytes = rep.Files+1, rep.Bytes+n
			if moved != nil {
				moved(rep)
			}
		}
		if away, err := j.records.Archived(first); err != nil {
			return rep, err
		} else if !away {
			rep.Left++
		}
	}
	return rep, nil
}
