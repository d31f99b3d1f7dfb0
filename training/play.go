// SPDX-License-Identifier: Apache-2.0

package training

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/internal/nearest"
	"github.com/assayrisk/assay/internal/numfmt"
)

// Play plays the table through the windows of a spec, once: folds, plans and
// models of the same spec share what the windows said.
func (t *Table) Play(ctx context.Context, spec *plantext.Spec) (*features.Log, error) {
	rec := t.Frame.Record
	for _, l := range t.windowLogs {
		if l.MatchesSpecAndTable(spec, rec) {
			return l, nil
		}
	}
	l, err := features.Replay(ctx, spec, rec)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	t.windowLogs = append(slices.DeleteFunc(t.windowLogs, func(l *features.Log) bool {
		return !l.MatchesTable(rec)
	}), l)
	return l, nil
}

// Matrix makes the vectors of the table's rows.
func (t *Table) Matrix(ctx context.Context, plan *features.Plan) (*features.Matrix, error) {
	l, err := t.Play(ctx, plan.Spec())
	if err != nil {
		return nil, err
	}
	m, err := l.Matrix(ctx, plan)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.Name, err)
	}
	return m, nil
}

// NoteWindows says, a line a window, which events it counted and which not, and
// how many of the scored rows found something in it.
func NoteWindows(u Progress, windows []features.WindowReport) {
	for i := range windows {
		w := &windows[i]
		var feeds []string
		for _, f := range w.Feeds {
			line := fmt.Sprintf("%d of %s", f.Fed, f.Kind)
			for _, n := range []struct {
				n   uint64
				why string
			}{{f.Late, "late"}, {f.WithoutKey, "without key"}, {f.WithoutValue, "without value"}} {
				if n.n > 0 {
					line += fmt.Sprintf(", %d %s", n.n, n.why)
				}
			}
			feeds = append(feeds, line)
		}
		u.Note("window %s counts %s; %s of %d scored rows find something in it", w.Window, strings.Join(feeds, "; "),
			numfmt.Share(w.Share()), w.Scored)
	}
}

// CheckWindows reports the windows that no event feeds, or in which no scored row
// finds anything: a model that is trained on them learns nothing of them, and
// a server's would be full.
func (t *Table) CheckWindows(spec *plantext.Spec, windows []features.WindowReport) error {
	kinds, err := features.CountKinds(spec, t.Frame.Record)
	if err != nil {
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	var known []string
	for k := range kinds {
		known = append(known, k)
	}
	slices.Sort(known)
	var wrong []error
	for i := range windows {
		w := &windows[i]
		if w.MayBeEmpty {
			continue
		}
		for _, f := range w.Feeds {
			switch {
			case f.Fed > 0:
			case kinds[f.Kind] == 0:
				wrong = append(wrong, fmt.Errorf("window %q: there is no event of kind %q%s", w.Window, f.Kind,
					nearest.Hint(f.Kind, known)))
			default:
				wrong = append(wrong,
					fmt.Errorf("window %q counts none of %d events of kind %q: %d are late, %d lack its key, %d its "+
						"value, and the others do not satisfy its `where`",
						w.Window, kinds[f.Kind], f.Kind, f.Late, f.WithoutKey, f.WithoutValue))
			}
		}
		if w.Read == 0 && w.Before > 0 {
			wrong = append(wrong,
				fmt.Errorf("window %q has nothing for any of the %d scored rows, though it had counted %d events "+
					"before the last of them: do both spell the key alike?", w.Window, w.Scored, w.Before))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s does not fill the plan's windows (kinds of event: %s); say `may_be_empty: true` at a "+
		"window where that is meant:\n%w",
		assay.ErrInvalid, t.Name, strings.Join(known, ", "), errors.Join(wrong...))
}

// NoteHistory warns of rows that are scored without their history.
func (t *Table) NoteHistory(u Progress, windows []features.WindowReport, trained map[string]float64) {
	if thin := thinWindows(windows, trained); thin != "" {
		u.Note("%s has hardly any history for its scored rows: their scores are not those that a server gives which "+
			"has seen it. "+
			"Put the events before them into the file. Rows that find something in the window %s", t.Name, thin)
	}
}

// WindowShares is the share of the scored rows that found something in each window.
func WindowShares(windows []features.WindowReport) map[string]float64 {
	if len(windows) == 0 {
		return nil
	}
	out := make(map[string]float64, len(windows))
	for i := range windows {
		out[windows[i].Window] = windows[i].Share()
	}
	return out
}

// thinWindows lists the windows in which far fewer of the rows find something than
// of the training's: rows that are scored without what happened before them get
// other scores than a server gives them.
func thinWindows(windows []features.WindowReport, trained map[string]float64) string {
	var thin []string
	for i := range windows {
		w := &windows[i]
		was, known := trained[w.Window]
		if w.Scored > 0 && (known && w.Share() < was/2 || !known && w.Read == 0 && !w.MayBeEmpty) {
			line := fmt.Sprintf("%s: %s", w.Window, numfmt.Share(w.Share()))
			if known {
				line += fmt.Sprintf(", %s in training", numfmt.Share(was))
			}
			thin = append(thin, line)
		}
	}
	return strings.Join(thin, "; ")
}

// NoteUnreadWindows names the windows that no feature reads: nothing is kept for them.
func NoteUnreadWindows(u Progress, spec *plantext.Spec) {
	var names []string
	for i := range spec.Windows {
		name := spec.Windows[i].Name
		if !slices.ContainsFunc(spec.Features, func(f plantext.FeatureSpec) bool { return f.Window == name }) {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		u.Note("no feature reads these windows of the plan: %s", strings.Join(names, ", "))
	}
}
