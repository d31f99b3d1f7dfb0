// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/training"
)

type recordFlags struct {
	tableFlags
	model, server, serverCA, prefix, out string
}

func recordCommand(u *ui) *cobra.Command {
	var f recordFlags
	c := &cobra.Command{
		Use:   "record --server ADDR --model BUNDLE --data LOG",
		Short: "Send an event log to a running server as its history",
		Long: "Record sends the rows of an event log, in order, to a running server, which makes each a\n" +
			"record of its journal as if it had come alone: with a promise, and the same request id\n" +
			"never twice, so that an interrupted command is simply run again. Events of the scored\n" +
			"kind feed windows too; nothing is decided. It says which events came too late for the\n" +
			"windows: send history before other events, or let the plan's lateness be longer.\n" +
			"ASSAY_API_KEY is sent if it is set; the role is record.",
		Example: "  assay record --server localhost:8443 --model bundle --data history.parquet",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := requireFlags(c, "server", "model", "data"); err != nil {
				return err
			}
			return f.run(c.Context(), u)
		},
	}
	f.register(c, "the event log")
	c.Flags().StringVar(&f.model, "model", "", "bundle that the server decides by: its plan says how the log is read")
	c.Flags().StringVar(&f.server, "server", "", "address of the running server")
	c.Flags().StringVar(&f.serverCA, "server-ca", "",
		"PEM file of the authority that signed the server's certificate (default: plain text)")
	c.Flags().StringVar(&f.prefix, "prefix", "history/", "what is put before an event's id to make its request id")
	c.Flags().StringVar(&f.out, "out", "", "CSV file of what became of each row: sequence number, lateness, promise")
	return c
}

// Bounds of one call: rows, and bytes of their events.
const (
	recordRows  = 2000
	recordBytes = 1 << 20
)

func (f *recordFlags) run(ctx context.Context, u *ui) error {
	plan, _, err := bundlePlan(f.model)
	if err != nil {
		return err
	}
	spec := plan.Spec()
	if spec.ID == "" || spec.Time == "" {
		return fmt.Errorf("%w: the plan names no `id` or no `time` column: an event that is recorded has an id, "+
			"which makes sending it again safe, and a time", assay.ErrInvalid)
	}
	f.unlabelled = true
	f.readAs(spec)
	t, err := f.read(ctx, u)
	if err != nil {
		return err
	}
	t.History = true
	if err := t.ApplyRules(u, spec); err != nil {
		return err
	}
	c, err := dialServer(f.server, f.serverCA)
	if err != nil {
		return err
	}
	defer c.Close()
	s := &sender{ctx: ctx, u: u, client: c, table: t, prefix: f.prefix, skip: bool(f.onBadRow),
		late: map[string]uint64{}}
	u.Step("record %d events", t.NumRows())
	send := func(w io.Writer) error {
		s.out = csv.NewWriter(w)
		if err := s.out.Write([]string{"row", "request_id", "sequence", "late_by_seconds", "late_windows",
			"promise"}); err != nil {
			return err
		}
		if err := s.all(plan); err != nil {
			return err
		}
		s.out.Flush()
		return s.out.Error()
	}
	if f.out == "" {
		err = send(io.Discard)
	} else {
		err = writeFile(u, f.out, send)
	}
	s.printSummary(err)
	return err
}

// sender sends a table's rows in order.
type sender struct {
	ctx    context.Context
	u      *ui
	client *assayclient.Client
	table  *training.Table
	prefix string
	skip   bool // a row that is refused is counted
	out    *csv.Writer

	rows     []int // of the batch that is being filled
	batch    []assayclient.Request
	size     int
	began    time.Time
	sent     int
	repeated int
	refused  int
	late     map[string]uint64 // by window; "" for all late events
}

func (s *sender) all(plan *features.Plan) error {
	s.began = time.Now()
	err := plan.EachEvent(s.table.Frame.Record, func(row int, ev *assay.Event) error {
		if ev.ID == "" {
			return fmt.Errorf("%w: %s: row %d has no id in column %q", assay.ErrInvalid, s.table.Name,
				s.table.RowInFile(row), plan.Spec().ID)
		}
		s.rows, s.batch = append(s.rows, row), append(s.batch, assayclient.Request{ID: s.prefix + ev.ID, Event: ev})
		s.size += len(ev.AppendBinary(nil))
		if len(s.batch) == recordRows || s.size > recordBytes {
			return s.send()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.send()
}

// send records what the batch holds.
func (s *sender) send() error {
	if len(s.batch) == 0 {
		return nil
	}
	answers, err := s.client.RecordBatch(s.ctx, s.batch)
	if err != nil {
		return fmt.Errorf("record rows from %d on: %w", s.table.RowInFile(s.rows[0]), err)
	}
	for i, a := range answers {
		if err := s.noteAnswer(s.rows[i], s.batch[i].ID, a); err != nil {
			return err
		}
	}
	s.u.Progress("%d of %d", s.sent+s.repeated+s.refused, s.table.NumRows())
	s.rows, s.batch, s.size = s.rows[:0], s.batch[:0], 0
	return nil
}

// noteAnswer notes what became of one row.
func (s *sender) noteAnswer(row int, id string, a assayclient.RecordedRow) error {
	place := s.table.RowInFile(row)
	if a.Err != nil {
		if s.refused++; s.skip {
			if s.refused == 1 {
				s.u.Note("the server refuses row %d: %v", place, a.Err)
			}
			return nil
		}
		return fmt.Errorf("%s: the server refuses row %d: %w (--on-bad-row skip counts such rows and goes on; what "+
			"was recorded stays)", s.table.Name, place, a.Err)
	}
	if a.Repeated {
		s.repeated++
	} else {
		s.sent++
	}
	if a.LateBy > 0 {
		s.late[""]++
		for _, w := range a.LateWindows {
			s.late[w]++
		}
	}
	return s.out.Write([]string{strconv.Itoa(place), id, strconv.FormatUint(a.Sequence, 10), number(a.LateBy.Seconds()),
		strings.Join(a.LateWindows, " "),
		base64.StdEncoding.EncodeToString(a.Promise)})
}

// printSummary tells what was recorded, and what of it no window counts.
func (s *sender) printSummary(err error) {
	took := max(time.Since(s.began).Seconds(), 1e-9)
	if err == nil {
		s.u.Done("%.0f a second", float64(s.sent+s.repeated)/took)
	}
	s.u.printf("recorded  %d events\n", s.sent)
	if s.repeated > 0 {
		s.u.printf("repeated  %d events that had been recorded before\n", s.repeated)
	}
	if s.refused > 0 {
		s.u.printf("refused   %d events\n", s.refused)
	}
	if s.late[""] == 0 {
		return
	}
	s.u.printf("late      %d events lie behind the server's newest by more than the plan's lateness\n", s.late[""])
	for _, w := range sortedKeys(s.late) {
		if w != "" {
			s.u.printf("          window %s does not count %d of them\n", w, s.late[w])
		}
	}
}
