// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
)

// Marks of the region that the program writes.
const (
	beginMark = "<!-- torture -->"
	endMark   = "<!-- /torture -->"
)

// figures are the lines for whoever collects them.
func (t *tally) figures() (out []figure.Figure) {
	for _, n := range slices.Sorted(maps.Keys(t.counts)) {
		out = append(out, figure.Of("COUNT", "torture_"+n, []float64{t.counts[n]}))
	}
	injected, found, repaired := t.sum()
	for _, f := range []struct {
		name string
		n    int
	}{{"tampers", injected}, {"tampers_found", found}, {"tampers_repaired", repaired},
		{"tampers_missed", injected - found - repaired}} {
		out = append(out, figure.Of("COUNT", "torture_"+f.name, []float64{float64(f.n)}))
	}
	for _, n := range slices.Sorted(maps.Keys(t.seconds)) {
		out = append(out, figure.Of("S", "anchor_"+n, []float64{t.seconds[n]}))
	}
	return out
}

func (t *tally) sum() (injected, found, repaired int) {
	for _, r := range t.rows {
		injected, found, repaired = injected+r.injected, found+r.found, repaired+r.repaired
	}
	return injected, found, repaired
}

// page is the tables.
func (t *tally) page() string {
	var b strings.Builder
	c := func(name string) string { return grouped(t.counts[name]) }
	bound := func(name string) string { return fmt.Sprintf("bound 3/n = %.1g", 3/t.counts[name]) }
	injected, found, repaired := t.sum()
	fmt.Fprintln(&b, "| what | how often | what came of it |")
	fmt.Fprintln(&b, "|---|---:|---|")
	for _, l := range [][3]string{
		{"SIGKILL of the serving process under load, restart, ask for everything", c("server_kills"),
			c("server_kills_acknowledged") + " decisions acknowledged, " + c("server_kills_lost") +
				" lost, none decided twice (" + bound("server_kills_acknowledged") + ")"},
		{"SIGKILL of the journal under load", c("journal_kills"),
			c("journal_kills_acknowledged") + " records acknowledged, " + c("journal_kills_lost") + " lost (" +
				bound("journal_kills_acknowledged") + "); number = leaf index for all " + c("journal_kills_records")},
		{"SIGKILL while subjects are erased", c("erasure_kills"),
			c("erasure_kills_erased") + " erased, " + c("erasure_kills_cut_short") +
				" of them cut short and finished by the next start; none came back"},
		{"power cut on a file system that forgets what was not synced", c("power_cuts"),
			c("power_cuts_acknowledged") + " records acknowledged, " + c("power_cuts_lost") + " lost (" +
				bound("power_cuts_acknowledged") + ")"},
		{"the same without syncing, so that the test can fail", "", c("power_cuts_control_lost") + " of " +
			c("power_cuts_control_acknowledged") + " lost"},
		{"SIGKILL of the embedded chain while it anchors", c("chain_kills"), c("chain_kills_anchors") + " anchors, " +
			c("chain_kills_lost_or_twice") + " lost or made twice"},
		{"crash at each call of the chain and each write of the anchor, in turn", c("anchor_crashes"),
			"0 anchors twice, 0 left out"},
		{"tampers, all operators and places together", grouped(float64(injected)),
			fmt.Sprintf("%s found, %s repaired from the records, **%d missed**", grouped(float64(found)),
				grouped(float64(repaired)), injected-found-repaired)},
		{"honest histories, each checked: false alarms", c("honest_runs"),
			grouped(t.counts["honest_runs"]-t.counts["honest_runs_quiet"]) + " alarms"},
		{"random growths of the log accepted by the contract; with one bit changed", c("contract_growths"),
			c("contract_growths_tampered_refused") + " tampered ones, all refused"},
		{"dictionary attack on log, blocks, events, storage and anchors", c("dictionary_guesses"),
			c("dictionary_hits") + " hits; the unsalted control hit in each"},
		{"receipts and trust files changed in their structure, judged by `assay-verify`", c("changed_receipts"),
			"the verdict of `ledger/verdict` on each"},
		{"connections without a credential that attack at once", c("strangers"),
			"the process grew by " + c("strangers_mb") +
				" MB, at most 256 are allowed; callers with a key were answered"},
		{"small texts that mean much, as policies, settings and plans", c("texts"),
			"each refused or read within its bound of memory"},
		{"lies of the chain's node, alone and in turn with the truth", c("chain_lies"),
			"anchored after each, no size twice, no fee above the maximum"},
		{"the same under a whole node that scores", c("chain_lies_scoring"),
			c("chain_lies_decisions") + " decisions, each answered, promised and kept"},
	} {
		if l[1] != "0" { // else its step was not run
			fmt.Fprintf(&b, "| %s | %s | %s |\n", l[0], l[1], l[2])
		}
	}
	fmt.Fprintln(&b, "\nEach operator, where it was used, and which check was the first to say so:")
	fmt.Fprintln(&b, "\n| operator | on | injected | found | repaired | missed | found by |")
	fmt.Fprintln(&b, "|---|---|---:|---:|---:|---:|---|")
	for _, r := range t.byOperator() {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %s |\n", r.operator, r.where, r.injected, r.found, r.repaired,
			r.injected-r.found-r.repaired, by(r.by))
	}
	fmt.Fprintln(&b, "\nTime until all that the log held at the end of a fault was anchored, on a chain with a block "+
		"every 12 s, a checkpoint every 2 minutes and a poll every 5 s (simulated clock), and on a real node behind "+
		"a failing proxy (`node`, seconds of this machine):")
	fmt.Fprintln(&b, "\n| fault | seconds |")
	fmt.Fprintln(&b, "|---|---:|")
	for _, n := range slices.Sorted(maps.Keys(t.seconds)) {
		name := strings.ReplaceAll(strings.TrimPrefix(n, "catchup_"), "_", " ")
		if rest, ok := strings.CutPrefix(name, "node "); ok {
			name = "node: " + rest
		}
		fmt.Fprintf(&b, "| %s | %.3g |\n", name, t.seconds[n])
	}
	return b.String()
}

// byOperator adds the rows of one operator together; the tiles of a log are one
// place.
func (t *tally) byOperator() []row {
	all := map[string]*row{}
	where := map[string]map[string]bool{}
	for _, r := range t.rows {
		sum := all[r.operator]
		if sum == nil {
			sum = &row{operator: r.operator, by: map[string]int{}}
			all[r.operator], where[r.operator] = sum, map[string]bool{}
		}
		place := r.where
		if strings.HasPrefix(place, "log/tile/") {
			place = "log/tile"
			if strings.HasPrefix(r.where, "log/tile/entries") {
				place = "log/tile/entries"
			}
		}
		where[r.operator][place] = true
		sum.injected, sum.found, sum.repaired = sum.injected+r.injected, sum.found+r.found, sum.repaired+r.repaired
		for k, n := range r.by {
			sum.by[k] += n
		}
	}
	out := make([]row, 0, len(all))
	for o, r := range all {
		r.where = strings.Join(slices.Sorted(maps.Keys(where[o])), ", ")
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b row) int {
		return cmp.Or(cmp.Compare(b.injected, a.injected), strings.Compare(a.where, b.where),
			strings.Compare(a.operator, b.operator))
	})
	return out
}

// by lists checks, those that found most first.
func by(m map[string]int) string {
	names := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b))
	})
	for i, n := range names {
		names[i] = fmt.Sprintf("%s %d", n, m[n])
	}
	return strings.Join(names, ", ")
}

// grouped writes a whole number with commas.
func grouped(x float64) string {
	s := fmt.Sprintf("%.0f", x)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// replace writes text between the marks of a page.
func replace(path, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(page, []byte(beginMark))
	_, after, ok2 := bytes.Cut(rest, []byte(endMark))
	if !ok || !ok2 {
		return errors.New(path + " has no region " + beginMark + " ... " + endMark)
	}
	return os.WriteFile(path, slices.Concat(before, []byte(beginMark+"\n"+text), []byte(endMark), after), 0o644)
}
