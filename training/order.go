// SPDX-License-Identifier: Apache-2.0

package training

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/internal/nearest"
)

// EventOrder says what is done with a log whose events are not in order.
type EventOrder struct{ Sort, Keep bool }

// sortIfAsked puts the rows in the order of time under --sort.
func (t *Table) sortIfAsked(u Progress, spec *plantext.Spec) error {
	if !t.Order.Sort {
		return nil
	}
	if spec.Time == "" {
		return optionError("--sort: the plan names no `time` column to sort by")
	}
	rows, err := features.RowsByTime(spec, t.Frame.Record)
	if err != nil {
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	if slices.IsSorted(rows) {
		return nil
	}
	u.Note("the rows of %s were put in the order of their times", t.Name)
	return t.keepRows(rows)
}

// checkHasScored refuses a log without a row of the scored kind: nothing could be
// made of it, and most often the kind is spelled otherwise.
func (t *Table) checkHasScored(spec *plantext.Spec) error {
	if spec.Kind == "" || t.History {
		return nil
	}
	kinds, err := features.CountKinds(spec, t.Frame.Record)
	if err != nil || kinds[spec.ScoredKind()] > 0 {
		return err
	}
	known := slices.Sorted(maps.Keys(kinds))
	counts := make([]string, len(known))
	for i, k := range known {
		counts[i] = fmt.Sprintf("%q (%d)", k, kinds[k])
	}
	return fmt.Errorf("%w: %s has no event of the kind that the plan scores, %q: column %q holds %s%s",
		assay.ErrInvalid, t.Name,
		spec.ScoredKind(), spec.Kind, cmp.Or(strings.Join(counts, ", "), "nothing"),
		nearest.Hint(spec.ScoredKind(), known))
}

// checkOrder holds a log to what a server would have made of it: an event that
// comes later than the plan's lateness allows would be in no window, and a wrong
// date far ahead would make every later event late and close open outcomes.
func (t *Table) checkOrder(u Progress, spec *plantext.Spec) error {
	if err := t.checkHasScored(spec); err != nil {
		return err
	}
	o, err := features.CheckOrder(spec, t.Frame.Record)
	if err != nil || o == nil {
		return err
	}
	if len(o.Unknown) > 0 {
		var kinds []string
		for _, k := range slices.Sorted(maps.Keys(o.Unknown)) {
			kinds = append(kinds, fmt.Sprintf("%q (%d)", k, o.Unknown[k]))
		}
		u.Note("%s has events of kinds that the plan does not know, which a server refuses and which are passed "+
			"over: %s", t.Name, strings.Join(kinds, ", "))
	}
	if n := len(o.Ahead); n > 0 {
		first := o.Ahead[0]
		return fmt.Errorf("%w: %s: row %d (%s) lies %s ahead of the log's bulk, and so do %d more: is the date right? "+
			"Correct it, or let the plan say `ahead: ...` if the log has such a pause (it allows %s)",
			assay.ErrInvalid, t.Name, t.RowInFile(first.Row), first.At.Format("2006-01-02 15:04:05"),
			eventtime.FormatSpan(first.Gap), n-1, eventtime.FormatSpan(o.Limit))
	}
	if o.Late == 0 {
		return nil
	}
	if t.Order.Keep {
		u.Note("%d of %d events of %s came later than the plan's lateness of %s allows and are in no window", o.Late,
			o.Events, t.Name, eventtime.FormatSpan(o.Lateness))
		return nil
	}
	var b strings.Builder
	for _, l := range o.First {
		fmt.Fprintf(&b, "\n  row %d is %s behind row %d", t.RowInFile(l.Row),
			eventtime.FormatSpan(l.Behind), t.RowInFile(l.Newest))
	}
	return fmt.Errorf("%w: %s: %d of %d events come later than the plan's lateness of %s allows, and no window would "+
		"count them: "+
		"--sort puts the rows in the order of their times; where the log is in the order of arrival, let the plan's "+
		"lateness be longer, or --keep-order take them as a server does. %s:%s",
		assay.ErrInvalid, t.Name, o.Late, o.Events, eventtime.FormatSpan(o.Lateness),
		cmp.Or(map[bool]string{true: "They are"}[o.Late <= len(o.First)], "The first"), b.String())
}
