// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/cmd/internal/node"
	"github.com/assayrisk/assay/ledger/anchor"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/serving/engine"
)

type ledgerFlags struct {
	dir, to, subject, reason string
	parts                    ledgerParts
	before                   uint64
	keep                     int
	json, rebuild, fetch     bool
}

func ledgerCommand(u *ui) *cobra.Command {
	c := &cobra.Command{
		Use:   "ledger fsck|backup|erase|retire|rotate|archive",
		Short: "Check and look after the ledger of a stopped server",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	for _, s := range []struct {
		use, short string
		need       []string
		run        func(*ledgerFlags, context.Context, *ui) error
	}{
		{"fsck", "Derive everything again (records, leaves, tiles, checkpoints, anchors) and name the first thing " +
			"wrong", nil, (*ledgerFlags).fsck},
		{"backup", "Copy the records to --to; keys are not copied, keep them apart", []string{"to"},
			(*ledgerFlags).backup},
		{"erase", "Destroy the key of --subject: its private parts can never be read again",
			[]string{"subject", "reason"}, (*ledgerFlags).erase},
		{"retire", "Drop the private parts of records before --before: their retention has passed", nil,
			(*ledgerFlags).retire},
		{"rotate", "Replace the master key and wrap every subject's key again", nil, (*ledgerFlags).rotate},
		{"archive", "Move old record files to the archive that --archive names, or back", []string{"archive"},
			(*ledgerFlags).moveToArchive},
	} {
		f := new(ledgerFlags)
		sub := &cobra.Command{Use: s.use, Short: s.short, Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
			if err := requireFlags(c, s.need...); err != nil {
				return err
			}
			return s.run(f, c.Context(), u)
		}}
		fl := sub.Flags()
		fl.StringVar(&f.dir, "dir", "assay-demo", "directory of the ledger; no server may run on it")
		f.parts.flags(fl, "")
		switch s.use {
		case "fsck":
			fl.BoolVar(&f.json, "json", false, "print one JSON object instead of text")
			fl.BoolVar(&f.rebuild, "rebuild-log", false,
				"first move the log's directory aside and build it again from the records")
		case "backup":
			fl.StringVar(&f.to, "to", "", "directory to make")
		case "erase":
			fl.StringVar(&f.subject, "subject", "",
				"role:id of the records' first entity, or event:id of records without one")
			fl.StringVar(&f.reason, "reason", "", "why, for the public record; name nobody in it")
		case "archive":
			fl.IntVar(&f.keep, "keep", 2, "how many of the newest record files stay, at least")
			fl.BoolVar(&f.fetch, "fetch", false, "bring every file back instead, and remove it from the archive")
		case "retire":
			fl.Uint64Var(&f.before, "before", 0,
				"sequence number of the first record to keep, at most the number of records")
		}
		c.AddCommand(sub)
	}
	return c
}

// checkJournal refuses a directory without a journal, which Open would make.
func (f *ledgerFlags) checkJournal() error {
	if _, err := os.Stat(filepath.Join(f.dir, "journal")); err != nil {
		return fmt.Errorf("%s holds no journal: name the directory that a server worked in, with --dir: %w", f.dir, err)
	}
	return nil
}

// withJournal runs the journal while do works on it.
func (f *ledgerFlags) withJournal(ctx context.Context, do func(j *journal.Journal) error) error {
	if err := f.checkJournal(); err != nil {
		return err
	}
	return f.parts.with(func(cfg journal.Config) error {
		cfg.RebuildLog = f.rebuild
		return node.InUse(f.dir, journal.With(ctx, f.dir, cfg, do))
	})
}

func (f *ledgerFlags) backup(ctx context.Context, u *ui) error {
	return f.withJournal(ctx, func(j *journal.Journal) error {
		if err := j.Backup(ctx, f.to); err != nil {
			return err
		}
		u.printf("records copied to %s; keep %s apart from it\n", f.to, filepath.Join(f.dir, "keys"))
		return nil
	})
}

func (f *ledgerFlags) erase(ctx context.Context, u *ui) error {
	return f.withJournal(ctx, func(j *journal.Journal) error {
		seq, _, err := j.DestroyKey(ctx, journal.ErasureRequest{Subject: f.subject, Reason: f.reason,
			Business: engine.ErasurePart(f.subject)})
		if errors.Is(err, assay.ErrNotFound) {
			return fmt.Errorf("no record is sealed under that subject's key: write role:id, as in buyer:B-0042: %w",
				err)
		}
		if err != nil {
			return err
		}
		if err := j.WaitErased(ctx, seq); err != nil {
			return err
		}
		u.printf("erased, as record %d; take a new backup: the private parts in older ones cannot be read any more\n",
			seq)
		return nil
	})
}

func (f *ledgerFlags) retire(ctx context.Context, u *ui) error {
	return f.withJournal(ctx, func(j *journal.Journal) error {
		if n := j.Stats().Durable; f.before > n {
			return usagef("--before %d: the journal has %d records, so this would drop every private part; --before "+
				"%d says so", f.before, n, n)
		}
		n, err := engine.RetireBelow(ctx, j, f.before, node.User())
		if err != nil {
			return err
		}
		u.printf("%d private parts dropped; their leaves and proofs stay\n", n)
		return nil
	})
}

func (f *ledgerFlags) rotate(ctx context.Context, u *ui) error {
	return f.withJournal(ctx, func(j *journal.Journal) error {
		if err := j.RotateMaster(ctx); err != nil {
			return err
		}
		u.printf("the master key is replaced\n")
		return nil
	})
}

func (f *ledgerFlags) fsck(ctx context.Context, u *ui) error {
	if err := f.checkJournal(); err != nil {
		return err
	}
	u.Step("derive the ledger again from its records")
	if f.rebuild {
		if err := f.withJournal(ctx, func(j *journal.Journal) error {
			return j.WaitPublished(ctx, j.Stats().Durable)
		}); err != nil {
			return err
		}
		f.rebuild = false
	}
	var rep journal.FsckReport
	err := f.parts.with(func(cfg journal.Config) (err error) {
		rep, err = journal.Fsck(ctx, f.dir, cfg)
		return node.InUse(f.dir, err)
	})
	if err != nil {
		return err
	}
	if len(rep.AnchorProof) > 0 {
		if err := fsckAnchor(f.dir, &rep); err != nil {
			return err
		}
	}
	u.Done("everything agrees")
	if f.json {
		return u.json(rep)
	}
	u.printf("%d records (%d opened, %d erased, %d retired), %d promises' groups, %d request ids, %d keys\n",
		rep.Records, rep.Opened, rep.Erased, rep.Retired, rep.Groups, rep.Requests, rep.Keys)
	u.printf("%d log entries and %d tiles under a checkpoint of %d leaves; %d of them anchored\n", rep.Entries,
		rep.Tiles, rep.Size, rep.Anchored)
	return nil
}

// fsckAnchor checks the newest anchored checkpoint's proof against the trust
// file, if the directory has one.
func fsckAnchor(dir string, rep *journal.FsckReport) error {
	cp, err := anchor.ParseCheckpoint(rep.AnchorNote)
	if err != nil {
		return err
	}
	var trust anchor.Trust
	t, err := readTrust("", filepath.Join(dir, node.TrustName))
	if err == nil && t.Anchor != nil {
		trust = *t.Anchor
	} else if err != nil && !errors.Is(err, errNoTrust) {
		return err
	}
	if res := anchor.VerifyProof(rep.AnchorProof, cp, trust); !res.Consistent() {
		return fmt.Errorf("fsck: the anchor of the checkpoint of %d leaves: %s: %w", cp.Size,
			res.Summary(), assay.ErrCorrupt)
	}
	return nil
}
