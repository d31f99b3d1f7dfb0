// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/ledger"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/models"
	"github.com/assayrisk/assay/serving/audit"
	"github.com/assayrisk/assay/training"
)

type auditFlags struct {
	dir      string
	parts    ledgerParts
	bundles  []string
	from, to uint64
	decision int64
	json     bool
}

func auditCommand(u *ui) *cobra.Command {
	var f auditFlags
	c := &cobra.Command{
		Use:   "audit --dir D",
		Short: "Make past decisions again from the journal, and compare bit for bit",
		Long: "Audit plays the journal from its beginning through the plans, models and policies that its\n" +
			"records name: windows, features, score, policy and reasons are computed again and each\n" +
			"decision's bytes are compared. Shadow scores are computed again, too, and records of other\n" +
			"kinds are held to what they say. It can run on another machine and architecture. The server\n" +
			"must not be running on the directory.",
		Example: "  assay audit --dir assay-demo\n  assay audit --dir assay-demo --decision 17",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return f.run(c.Context(), u) },
	}
	fl := c.Flags()
	fl.StringVar(&f.dir, "dir", "assay-demo", "directory of the journal and its keys")
	f.parts.flags(fl, "")
	fl.StringSliceVar(&f.bundles, "bundle", nil, "bundles that decided (default: DIR/bundle and those in DIR/models)")
	fl.Uint64Var(&f.from, "from", 0, "first sequence number to compare")
	fl.Uint64Var(&f.to, "to", 0, "one past the last, 0 for all")
	fl.Int64Var(&f.decision, "decision", -1, "compare that one alone")
	fl.BoolVar(&f.json, "json", false, "print one JSON object instead of text")
	return c
}

// auditSummary is what `assay audit --json` prints.
type auditSummary struct {
	*audit.Report
	OK        bool    `json:"ok"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"decisions_per_second"`
}

func (f *auditFlags) run(ctx context.Context, u *ui) error {
	part := f.decision >= 0 || f.from > 0 || f.to > 0
	switch {
	case f.decision < -1:
		return usagef("--decision %d: want a sequence number", f.decision)
	case f.decision >= 0:
		f.from, f.to = uint64(f.decision), uint64(f.decision)+1
	case f.to == 0:
		f.to = audit.All
	case f.from >= f.to:
		return usagef("--from %d --to %d: no record lies between them", f.from, f.to)
	}
	bundles, err := f.openBundles()
	if err != nil {
		return err
	}
	a, err := audit.New(bundles)
	if err != nil {
		return err
	}
	j, end, err := openJournal(ctx, f.dir, &f.parts)
	if err != nil {
		return err
	}
	defer end()
	u.Step("make decisions again")
	start, n := time.Now(), 0
	rep, err := a.Run(ctx, j, f.from, f.to, func(uint64, string) { n++; u.Progress("%d", n) })
	if err != nil {
		return err
	}
	if part && rep.Decisions == 0 && len(rep.Kinds) == 0 {
		return fmt.Errorf("%w: the journal has no record there, so nothing was compared", assay.ErrNotFound)
	}
	took := time.Since(start).Seconds()
	u.Done("%d decisions", rep.Decisions)
	s := auditSummary{rep, rep.OK(), took, float64(rep.Decisions) / took}
	if f.json {
		if err := u.json(s); err != nil {
			return err
		}
	} else {
		printAudit(u, &s)
	}
	if !rep.OK() {
		return fmt.Errorf("%d records do not come out as they are recorded: %w", rep.Different, assay.ErrCorrupt)
	}
	return nil
}

func printAudit(u *ui, s *auditSummary) {
	u.printf("%d records, %d decisions, %.0f a second\n", s.Records, s.Decisions, s.PerSecond)
	u.printf("%s the same, bit for bit\n", u.green(fmt.Sprint(s.Same)))
	if s.Partly > 0 {
		u.printf("%d the same from their stored vector:\n", s.Partly)
	}
	for _, r := range s.PartlyReasons {
		u.printf("  %d of them, the first of them decision %d: %s\n", r.Decisions, r.First, r.Reason)
	}
	if s.Mended > 0 {
		u.printf("%d the same from their stored vector: earlier window kernels made it, which gave wrong values and "+
			"were mended since\n", s.Mended)
	}
	for _, m := range s.MendedFeatures {
		version := fmt.Sprintf("version %d", m.Kernels)
		if m.Kernels == 0 {
			version = "a version that cannot be read any more"
		}
		u.printf("  %q differs in %d of them, by window kernels of %s: %s\n", m.Feature, m.Decisions, version, m.Why)
	}
	if s.Erased > 0 {
		u.printf("%d erased: their personal parts cannot be read any more, so they cannot be made again\n", s.Erased)
	}
	if s.Unknown > 0 {
		u.printf("%d by a model or policy that is not at hand: give its bundle with --bundle\n", s.Unknown)
	}
	for _, k := range s.Kinds {
		if k.Kind != ledger.Decision.String() {
			u.printf("%d of kind %s: %d checked%s\n", k.Records, k.Kind, k.Checked, unreadableNote(k.Unreadable))
		}
	}
	for _, d := range s.Differences {
		u.printf("%s record %d: %s\n", u.red("differs"), d.Sequence, d.Differs)
	}
}

// unreadableNote says how many records an erasure or the retention closed.
func unreadableNote(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d erased or past their retention", n)
}

// openBundles reads the bundles named, or those that lie in the directory.
func (f *auditFlags) openBundles() ([]*models.Bundle, error) {
	dirs := f.bundles
	if len(dirs) == 0 {
		dirs = []string{filepath.Join(f.dir, "bundle")}
		more, err := filepath.Glob(filepath.Join(f.dir, "models", "*", models.ManifestFile))
		if err != nil {
			return nil, err
		}
		for _, m := range more {
			dirs = append(dirs, filepath.Dir(m))
		}
	}
	var out []*models.Bundle
	for _, d := range dirs {
		s, err := training.OpenScorer(d)
		if err != nil {
			return nil, err
		}
		out = append(out, s.Bundle)
	}
	return out, nil
}

// openJournal opens a journal that must be there already, to look at it: no file
// is changed.
func openJournal(ctx context.Context, dir string, p *ledgerParts) (j *journal.Journal, end func() error, err error) {
	if _, err := os.Stat(filepath.Join(dir, "journal")); err != nil {
		return nil, nil, fmt.Errorf("%s holds no journal: name the directory that a server worked in, with --dir: %w",
			dir, err)
	}
	cfg, endParts, err := p.open()
	if err != nil {
		return nil, nil, err
	}
	cfg.ReadOnly = true
	if j, err = journal.Open(ctx, dir, cfg); err != nil {
		return nil, nil, errors.Join(node.InUse(dir, err), endParts())
	}
	return j, func() error { return errors.Join(j.Close(), endParts()) }, nil
}
