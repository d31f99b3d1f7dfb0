// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	assay "github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/journal/recordfile"
)

// appendRecords appends records with some 200 kB of personal parts each: a handful fills a record file.
func appendRecords(t *testing.T, j *journal.Journal, n int) error {
	for range n {
		seq := j.Take()
		v := assay.Vector{Values: make([]float64, 25_000)}
		for i := range v.Values {
			v.Values[i] = float64(seq) + float64(i)
		}
		d := assay.Decision{Version: 1, Sequence: seq, RequestID: fmt.Sprint(seq), Micros: time.Now().UnixMicro(),
			Outcome: assay.Approve, Vector: v.Digest()}
		b, err := d.MarshalBinary()
		if err != nil {
			return err
		}
		r := &journal.Record{Kind: ledger.Decision, Micros: d.Micros, Subject: fmt.Sprintf("buyer:%d", seq%5),
			Caller: "bank", RequestID: fmt.Sprint(seq), Vector: v.AppendBinary(nil), Decision: b}
		if _, err := j.Append(t.Context(), seq, r); err != nil {
			return err
		}
	}
	return j.WaitPublished(t.Context(), uint64(n))
}

// pieces returns 32 bytes out of each record file's chunks, as they are in the bucket.
func pieces(objects []object) (out [][]byte) {
	for _, o := range objects {
		for off := 100_000; off+32 < len(o.bytes); off += 200_000 {
			out = append(out, o.bytes[off:off+32])
		}
	}
	return out
}

func countIn(pieces [][]byte, objects []object) (n int) {
	for _, p := range pieces {
		for _, o := range objects {
			if bytes.Contains(o.bytes, p) {
				n++
				break
			}
		}
	}
	return n
}

// TestRetire moves a journal's files to a bucket that keeps versions, drops personal parts, and looks for the old bytes
// in every version of every object, and in every file of the store.
func TestRetire(t *testing.T) {
	t.Parallel()
	g := startGateway(t)
	c := g.bucket(t, "ledger", true, false)
	cfg := journal.Config{Archive: open(t, c), Logger: slog.New(slog.DiscardHandler), Interval: 50 * time.Millisecond}
	dir := t.TempDir()
	run := func(do func(j *journal.Journal) error) {
		t.Helper()
		if err := journal.With(t.Context(), dir, cfg, do); err != nil {
			t.Fatal(err)
		}
	}
	const n = 300
	run(func(j *journal.Journal) error { return appendRecords(t, j, n) })
	run(func(j *journal.Journal) error {
		rep, err := j.Archive(t.Context(), 1, nil)
		if err == nil && rep.Files < 3 {
			t.Errorf("moved %+v: too few to test with", rep)
		}
		return err
	})
	old := pieces(g.versions(t, c.Bucket))
	if found := countIn(old, g.onDisk(t)); found != len(old) || found < 100 {
		t.Fatalf("%d of %d pieces are found on the store's disk: this test cannot fail", found, len(old))
	}
	var dropped int
	run(func(j *journal.Journal) (err error) { dropped, err = j.Retire(t.Context(), 1<<40); return err })
	if dropped != n {
		t.Errorf("%d parts dropped, want %d", dropped, n)
	}
	after := g.versions(t, c.Bucket)
	// Only what is public may be the same: in a piece of these records there is none.
	if found := countIn(old, after); found > 0 {
		t.Errorf("%d of %d pieces are in versions of objects", found, len(old))
	}
	if found := countIn(old, g.onDisk(t)); found > 0 {
		t.Errorf("%d of %d pieces are on the store's disk", found, len(old))
	}
	names := map[string]bool{}
	for _, o := range after {
		if names[o.key] {
			t.Errorf("%s has several versions", o.key)
		}
		names[o.key] = true
	}
	away, err := filepath.Glob(filepath.Join(dir, "journal", "records", "*"+recordfile.AwaySuffix))
	if err != nil || len(away) != len(names) || len(away) < 3 {
		t.Errorf("%d files are said to be away, and %d objects are there, %v", len(away), len(names), err)
	}
	rep, err := journal.Fsck(t.Context(), dir, cfg)
	if err != nil || rep.Retired != n {
		t.Errorf("fsck: %+v, %v", rep, err)
	}
	run(func(j *journal.Journal) error { _, err := j.Fetch(t.Context(), nil); return err })
	if left := g.versions(t, c.Bucket); len(left) > 0 {
		t.Errorf("after everything was brought back, %d versions are left", len(left))
	}
	cfg.Archive = nil
	if _, err := journal.Fsck(t.Context(), dir, cfg); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(away[0]); err == nil {
		t.Error(away[0], "is still there")
	}
}
