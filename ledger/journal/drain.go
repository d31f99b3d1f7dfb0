// SPDX-License-Identifier: Apache-2.0

package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"k8s.io/klog/v2"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
	"github.com/assayrisk/assay/ledger/journal/store"
	"github.com/assayrisk/assay/ledger/journal/tilelog"
)

// drainBatch is how many leaves are given to the log at once.
const drainBatch = 16384

// In a burst of more than burstRate appends a second, the log would slow down
// their syncs: it then takes only one batch every burstYield. From burstBehind
// waiting records on, it takes one batch after the other, as it does without a
// burst.
const (
	burstRate   = 25_000
	burstYield  = 3 * time.Second
	burstBehind = 1 << 20
)

// closedChan is always ready to be received from.
var closedChan = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// klogOnce guards klog's one logger, which belongs to the process: the first
// journal that is opened sets it.
var klogOnce sync.Once

// silenceTessera sends Tessera's messages, which come through klog, to the
// logger's debug level: the guard repeats its warnings with the reason.
func silenceTessera(log *slog.Logger) {
	klogOnce.Do(func() { klog.SetSlogLogger(slog.New(debugHandler{log.Handler()})) })
}

// debugHandler lowers every record to debug.
type debugHandler struct{ slog.Handler }

// Enabled implements slog.Handler.
func (q debugHandler) Enabled(ctx context.Context, _ slog.Level) bool {
	return q.Handler.Enabled(ctx, slog.LevelDebug)
}

// Handle implements slog.Handler.
func (q debugHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return q.Handler.Handle(ctx, r)
}

// runDrainer feeds the log until ctx ends, or, once finished is closed, until the
// log holds everything that is durable. It opens a log that failed again, and
// continues where the log's own state says that it ended.
func (j *Journal) runDrainer(ctx context.Context, finished <-chan struct{}) error {
	backoff := 100 * time.Millisecond
	for {
		err := j.drainOnce(ctx, finished)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, ErrFork) || errors.Is(err, assay.ErrInvalid) {
			return err
		}
		j.cfg.Logger.Warn("journal: the log is opened again", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-j.failed.done:
			return j.failed.get()
		case <-time.After(backoff):
		}
		select {
		case <-finished:
			return fmt.Errorf("journal: at the end, the log could not be published; the next start will publish "+
				"it: %w", err)
		default:
		}
		backoff = min(2*backoff, 5*time.Second)
	}
}

func (j *Journal) drainOnce(ctx context.Context, finished <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p, err := newPublisher(j)
	if err != nil {
		return err
	}
	t, root, err := j.openLog(ctx)
	if err != nil {
		if errors.Is(err, ErrFork) {
			j.guard.Refuse(err)
		}
		return err
	}
	next := t.Size()
	if high, _ := j.guard.HighWater(); next < high && !j.cfg.RebuildLog {
		err := fmt.Errorf("%w: the log directory holds %d entries, and a checkpoint of %d was signed: it was "+
			"rolled back or emptied: %w", ErrFork, next, high, assay.ErrCorrupt)
		j.guard.Refuse(err)
		return err
	}
	var publishing sync.WaitGroup
	publishing.Go(func() { p.run(ctx) })
	defer publishing.Wait()
	defer cancel()
	p.treeGrew(next, root)
	feed := time.NewTicker(j.cfg.Interval)
	defer feed.Stop()
	look := time.NewTicker(max(j.cfg.Interval/10, 10*time.Millisecond))
	defer look.Stop()
	final := false
	var deadline time.Time
	fed, ticked, seen := time.Now(), time.Now(), j.durable.Load()
	burst := false
	for {
		// A full batch does not wait for the next tick.
		behind, more := j.durable.Load()-next, (<-chan struct{})(nil)
		if behind >= drainBatch && (!burst || behind >= burstBehind) {
			more = closedChan
		}
		if final {
			if _, size := j.Checkpoint(); size >= j.durable.Load() {
				return nil
			}
			if time.Now().After(deadline) {
				return fmt.Errorf("log: not published in time: %w", context.DeadlineExceeded)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-j.failed.done:
			return j.failed.get()
		case <-finished:
			finished, final, deadline = nil, true, time.Now().Add(j.cfg.DrainTimeout)
			for err == nil && next < j.durable.Load() {
				next, err = j.feed(ctx, t, p)
			}
		case <-feed.C:
			now, have := time.Now(), j.durable.Load()
			burst = float64(have-seen) > burstRate*now.Sub(ticked).Seconds()
			if seen, ticked = have, now; burst && now.Sub(fed) < burstYield {
				continue
			}
			fed = now
			next, err = j.feed(ctx, t, p)
		case <-more:
			next, err = j.feed(ctx, t, p)
		case <-look.C:
			err = j.checkPublished(ctx)
		}
		if r := j.guard.Refusal(); r != nil {
			return r
		}
		if err != nil {
			return err
		}
	}
}

// openLog opens the log's directory where its tree state says that it ended. The
// entries of the bundle that is not full are added again from the records.
func (j *Journal) openLog(ctx context.Context) (*tilelog.Writer, assay.Digest, error) {
	t, state, err := tilelog.Open(ctx, string(j.logDir()))
	if err != nil {
		return nil, assay.Digest{}, err
	}
	if have := j.durable.Load(); state.Size > have {
		return nil, assay.Digest{}, fmt.Errorf("%w: the log directory holds %d entries, the journal %d records: %w",
			ErrFork, state.Size, have, assay.ErrCorrupt)
	}
	if err := j.addRecords(ctx, t, state.Size); err != nil {
		return nil, assay.Digest{}, err
	}
	t.MarkOnDisk()
	root := t.Root()
	if !bytes.Equal(root[:], state.Root) {
		return nil, assay.Digest{}, fmt.Errorf("%w: the log directory's tiles and the journal's records give root "+
			"%s at size %d, its tree state says %x: the directory was changed: %w",
			ErrFork, root.Short(), t.Size(), state.Root, assay.ErrCorrupt)
	}
	return t, root, nil
}

// addRecords appends the records up to a number to the tiles.
func (j *Journal) addRecords(ctx context.Context, t *tilelog.Writer, upto uint64) error {
	return j.leaves(ctx, t.Size(), upto, func(_ uint64, leaf []byte, hash *assay.Digest) error {
		if hash == nil {
			h := ledger.HashLeaf(leaf)
			hash = &h
		}
		return t.Add(leaf, hash)
	})
}

// feed appends the next durable records, at most drainBatch of them, makes them
// durable in the log and tells the publisher. It returns the log's size: a
// record's index is its sequence number.
func (j *Journal) feed(ctx context.Context, t *tilelog.Writer, p *publisher) (uint64, error) {
	upto := min(j.durable.Load(), t.Size()+drainBatch)
	if t.Size() >= upto {
		return t.Size(), nil
	}
	if err := j.addRecords(ctx, t, upto); err != nil {
		return t.Size(), err
	}
	root, err := t.Commit()
	if err != nil {
		return t.Size(), err
	}
	p.treeGrew(t.Size(), root)
	t.DropPartial(p.published())
	return t.Size(), nil
}

// openPublished reads the checkpoint that is in the log's directory.
func (j *Journal) openPublished(ctx context.Context) error {
	if err := j.checkPublished(ctx); err != nil {
		if errors.Is(err, ErrFork) {
			return err
		}
		j.cfg.Logger.Warn("journal: the published checkpoint cannot be used yet", "error", err)
	}
	return nil
}

// checkPublished reads the checkpoint that is in the log's directory. If it is
// new, its entries are read back and compared with the journal's, and only then
// it counts as published.
func (j *Journal) checkPublished(ctx context.Context) error {
	b, err := j.logDir().Checkpoint(ctx)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("log: %w", err)
	}
	have, verified := j.Checkpoint()
	if bytes.Equal(b, have) {
		return nil
	}
	cp, err := ledger.ParseCheckpoint(b, j.Key())
	if err != nil {
		err = fmt.Errorf("%w: the published checkpoint: %w", ErrFork, err)
		j.guard.Refuse(err)
		return err
	}
	if err := j.guard.CheckSigned(cp); err != nil {
		j.guard.Refuse(err)
		return err
	}
	if high, _ := j.guard.HighWater(); cp.Size < high {
		return nil // a larger one was signed: it is about to be published
	}
	if err := j.compareEntries(ctx, verified, cp.Size); err != nil {
		return err
	}
	if err := j.store.SetNumber(store.Published, cp.Size, false); err != nil {
		return err
	}
	j.setPublished(b, cp.Size)
	j.recent.dropBelow(cp.Size)
	return nil
}

// entryReader reads entries of the log, one after the other, from the log's directory.
type entryReader struct {
	dir    tilelog.Dir
	size   uint64 // of the log
	bundle [][]byte
	number uint64 // of the bundle, if there is one
}

// read returns an entry, nil if the log has none with that number.
func (r *entryReader) read(ctx context.Context, seq uint64) ([]byte, error) {
	if i := seq / tilelog.EntriesPerBundle; r.bundle == nil || i != r.number {
		b, err := r.dir.Entries(ctx, i, r.size)
		if err != nil {
			return nil, fmt.Errorf("log: entry bundle %d: %w", i, err)
		}
		r.bundle, r.number = b, i
	}
	if k := seq % tilelog.EntriesPerBundle; k < uint64(len(r.bundle)) {
		return r.bundle[k], nil
	}
	return nil, nil
}

// compareEntries reads the entries between two sizes back from the log's directory and compares each with the journal's
// leaf. Of record files in an archive it compares the digest of the leaves, which is here.
func (j *Journal) compareEntries(ctx context.Context, from, size uint64) error {
	r := &entryReader{dir: j.logDir(), size: size}
	for _, first := range append(j.records.FirstSequences(), size) {
		first = min(first, size)
		if err := j.compareLeaves(ctx, r, from, first); err != nil { // of the files before it
			return err
		}
		from = max(from, first)
		end, want, ok, err := j.records.ArchivedLeaves(first)
		if err != nil {
			return err
		}
		if ok && from == first && end <= size {
			if err := j.compareDigest(ctx, r, first, end, want); err != nil {
				return err
			}
			from = end
		}
	}
	return nil
}

func (j *Journal) compareLeaves(ctx context.Context, r *entryReader, from, to uint64) error {
	return j.leaves(ctx, from, to, func(seq uint64, leaf []byte, _ *assay.Digest) error {
		entry, err := r.read(ctx, seq)
		if err == nil && (entry == nil || !bytes.Equal(entry, leaf)) {
			err = fmt.Errorf("%w: entry %d of the log is not record %d of the journal: the log directory was "+
				"changed: %w", ErrFork, seq, seq, assay.ErrCorrupt)
			j.guard.Refuse(err)
		}
		return err
	})
}

func (j *Journal) compareDigest(ctx context.Context, r *entryReader, from, to uint64, want []byte) error {
	d := recordfile.NewLeafDigest()
	for seq := from; seq < to; seq++ {
		entry, err := r.read(ctx, seq)
		if err != nil {
			return err
		}
		d.Add(entry)
	}
	if !bytes.Equal(d.Sum(), want) {
		err := fmt.Errorf("%w: entries %d to %d of the log are not the records of the journal that are in the "+
			"archive: the log directory was changed: %w", ErrFork, from, to-1, assay.ErrCorrupt)
		j.guard.Refuse(err)
		return err
	}
	return ctx.Err()
}
