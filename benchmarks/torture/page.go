// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assayrisk/assay/benchmarks/internal/figure"
	"github.com/assayrisk/assay/benchmarks/internal/page"
)

// The tables lie between these two lines of a page.
const (
	beginMark = "<!-- torture -->\n"
	endMark   = "<!-- /torture -->"
)

// figures are what bench collects.
func (t *totals) figures() (out []figure.Figure) {
	for _, n := range slices.Sorted(maps.Keys(t.counts)) {
		out = append(out, figure.One("COUNT", "torture_"+n, t.counts[n]))
	}
	injected, found, repaired := t.sum()
	for _, f := range []struct {
		name string
		n    int
	}{{"tampers", injected}, {"tampers_found", found}, {"tampers_repaired", repaired},
		{"tampers_missed", injected - found - repaired}} {
		out = append(out, figure.One("COUNT", "torture_"+f.name, float64(f.n)))
	}
	for _, n := range slices.Sorted(maps.Keys(t.seconds)) {
		out = append(out, figure.One("S", "anchor_"+n, t.seconds[n]))
	}
	return out
}

func (t *totals) sum() (injected, found, repaired int) {
	for _, r := range t.rows {
		injected, found, repaired = injected+r.injected, found+r.found, repaired+r.repaired
	}
	return injected, found, repaired
}

// tables is what is printed and written into the page.
func (t *totals) tables() string {
	var b strings.Builder
	c := func(name string) string { return page.Thousands(t.counts[name]) }
	bound := func(name string) string { return fmt.Sprintf("bound 3/n = %.1g", 3/t.counts[name]) }
	injected, found, repaired := t.sum()
	fmt.Fprintln(&b, "| what was done | how often | result |")
	fmt.Fprintln(&b, "|---|---:|---|")
	for _, l := range [][3]string{
		{"SIGKILL of the serving process under load, restart, every decision asked for again", c("server_kills"),
			c("server_kills_acknowledged") + " decisions acknowledged, " + c("server_kills_lost") +
				" lost, none decided twice (" + bound("server_kills_acknowledged") + ")"},
		{"SIGKILL of the journal under load", c("journal_kills"),
			c("journal_kills_acknowledged") + " records acknowledged, " + c("journal_kills_lost") + " lost (" +
				bound("journal_kills_acknowledged") + "); number = leaf index for all " + c("journal_kills_records")},
		{"SIGKILL while subjects are erased", c("erasure_kills"),
			c("erasure_kills_erased") + " erased, " + c("erasure_kills_cut_short") +
				" of them cut short and finished by the next start; no erased data came back"},
		{"power cut on a file system that forgets what was not synced", c("power_cuts"),
			c("power_cuts_acknowledged") + " records acknowledged, " + c("power_cuts_lost") + " lost (" +
				bound("power_cuts_acknowledged") + ")"},
		{"the same without syncing, so that the test can fail", "", c("power_cuts_control_lost") + " of " +
			c("power_cuts_control_acknowledged") + " lost"},
		{"SIGKILL of the embedded chain while it anchors", c("chain_kills"), c("chain_kills_anchors") + " anchors, " +
			c("chain_kills_lost_or_twice") + " lost or made twice"},
		{"crash at each call of the chain and at each write of the anchor", c("anchor_crashes"),
			"0 anchors twice, 0 left out"},
		{"changes to files, of all kinds and in all places", page.Thousands(float64(injected)),
			fmt.Sprintf("%s found, %s repaired from the records, **%d missed**", page.Thousands(float64(found)),
				page.Thousands(float64(repaired)), injected-found-repaired)},
		{"honest histories, each checked for false alarms", c("honest_runs"),
			page.Thousands(t.counts["honest_runs"]-t.counts["honest_runs_quiet"]) + " alarms"},
		{"random growths of the log that the contract accepted; then the same with one bit changed",
			c("contract_growths"),
			c("contract_growths_tampered_refused") + " changed ones, all refused"},
		{"dictionary attack on log, blocks, events, storage and anchors", c("dictionary_guesses"),
			c("dictionary_hits") + " hits; the unsalted control hit in each"},
		{"receipts and trust files changed in their structure, judged by `assay-verify`", c("changed_receipts"),
			"the verdict of `ledger/verdict` on each"},
		{"connections without a credential that attack at once", c("strangers"),
			"the process grew by " + c("strangers_mb") +
				" MB, at most 256 are allowed; callers with a key were answered"},
		{"small texts that expand to very much, as policies, settings and plans", c("texts"),
			"each refused, or read within its memory limit"},
		{"lies of the chain's node, alone and in turn with the truth", c("chain_lies"),
			"anchored after each, no size twice, no fee above the maximum"},
		{"the same under a node that scores", c("chain_lies_scoring"),
			c("chain_lies_decisions") + " decisions, each answered, promised and recorded"},
	} {
		if l[1] != "0" { // else its step was not run
			fmt.Fprintf(&b, "| %s | %s | %s |\n", l[0], l[1], l[2])
		}
	}
	fmt.Fprintln(&b, "\nEach kind of change, where it was made, and which checks were the first to find it:")
	fmt.Fprintln(&b, "\n| change | place | made | found | repaired | missed | found first by |")
	fmt.Fprintln(&b, "|---|---|---:|---:|---:|---:|---|")
	for _, r := range t.byOperator() {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %s |\n", r.operator, r.where, r.injected, r.found, r.repaired,
			r.injected-r.found-r.repaired, listChecks(r.foundBy))
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

// byOperator adds up the rows of each operator. The tiles of a log count as one
// place.
func (t *totals) byOperator() []tamperRow {
	all := map[string]*tamperRow{}
	where := map[string]map[string]bool{}
	for _, r := range t.rows {
		sum := all[r.operator]
		if sum == nil {
			sum = &tamperRow{operator: r.operator, foundBy: map[string]int{}}
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
		for k, n := range r.foundBy {
			sum.foundBy[k] += n
		}
	}
	out := make([]tamperRow, 0, len(all))
	for o, r := range all {
		r.where = strings.Join(slices.Sorted(maps.Keys(where[o])), ", ")
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b tamperRow) int {
		return cmp.Or(cmp.Compare(b.injected, a.injected), strings.Compare(a.where, b.where),
			strings.Compare(a.operator, b.operator))
	})
	return out
}

// listChecks lists checks and how often each was first, the most frequent first.
func listChecks(m map[string]int) string {
	names := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b))
	})
	for i, n := range names {
		names[i] = fmt.Sprintf("%s %d", n, m[n])
	}
	return strings.Join(names, ", ")
}
