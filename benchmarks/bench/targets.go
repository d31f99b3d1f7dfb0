// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/assayrisk/assay/benchmarks/internal/page"
)

// target is the limit that the project sets for a figure: at least, or with atMost
// at most. A name that ends in * covers all figures that begin so.
type target struct {
	name   string
	limit  float64
	atMost bool // the figure must not be above limit
}

func (t target) covers(name string) bool {
	if head, ok := strings.CutSuffix(t.name, "*"); ok {
		return strings.HasPrefix(name, head)
	}
	return name == t.name
}

// targets are searched in order: the first that covers a figure counts.
var targets = []target{
	{name: "train_vs_lightgbm_dense1m", limit: 1.5},
	{name: "train_vs_lightgbm_quant_*", limit: 1},
	{name: "train_vs_lightgbm_*", limit: 1.2},
	{name: "train_vs_xgboost_*", limit: 1},
	{name: "train_memory_*", limit: 1},
	{name: "predict_single_vs_leaves_300*", limit: 10},
	{name: "predict_single_vs_lightgbm_300*", limit: 10},
	{name: "predict_batch_vs_leaves_300*", limit: 15},
	{name: "predict_batch_vs_lightgbm_300*", limit: 12},
	{name: "shap_single_vs_lightgbm_*", limit: 5},
	{name: "serve_unary_vs_echo_*", limit: 0.6},
	{name: "serve_batch100_rows_vs_echo_*", limit: 4},
	{name: "serve_stream_vs_echo_*", limit: 2},
	{name: "journal_append_vs_raw_fdatasync_w256", limit: 0.6},
	{name: "journal_append_vs_raw_fdatasync_w1", limit: 0.5},
	{name: "features_online", limit: 5000, atMost: true},
	{name: "features_online_allocs", limit: 0, atMost: true},
	{name: "features_skew_tenth_vs_polars", limit: 50},
	{name: "features_skew_tenth_memory_vs_polars", limit: 30},
	{name: "features_skew_fifth_vs_lean_polars", limit: 50},
}

// headlines are the rows of the README's table: ratios against a peer that
// does the same work on the same machine.
var headlines = []struct{ work, peer, figure string }{
	{"training, 1M rows × 28 columns", "LightGBM", "train_vs_lightgbm_dense1m"},
	{"training, 3M flights, with categories", "LightGBM", "train_vs_lightgbm_flights3m"},
	{"one score, 300 trees of 63 leaves", "LightGBM's C API", "predict_single_vs_lightgbm_300x63"},
	{"scores in batches of 1,024, one thread", "LightGBM's C API", "predict_batch_vs_lightgbm_300x63"},
	{"one exact explanation (TreeSHAP)", "LightGBM's C API", "shap_single_vs_lightgbm_300x63"},
	{"features of an event log, offline", "polars", "features_offline_vs_polars"},
	{"a full decision, durable and promised, 1,000 callers", "an empty gRPC echo", "serve_unary_vs_echo_c1000"},
	{"a durable journal record, 256 writers", "one raw fdatasync per group", "journal_append_vs_raw_fdatasync_w256"},
	{"scores over gRPC (no decision)", "the same model in MLServer", "endtoend_oip_vs_mlserver_grpc"},
	{"full decisions, with the ledger", "scores alone from MLServer", "endtoend_score_vs_mlserver_grpc"},
	{"full decisions, with the ledger", "scores alone from FastAPI + uvicorn", "endtoend_score_vs_fastapi"},
	{"a report's metrics, a million rows", "scikit-learn and scipy", "eval_metrics_vs_sklearn"},
}

// readmeTable is the README's table. A figure that the newest results do not hold
// has no row.
func readmeTable(r *results, file string) []byte {
	var b bytes.Buffer
	b.WriteString("\n| work | compared with | times as fast | least to greatest |\n|---|---|---|---|\n")
	for _, h := range headlines {
		if f, ok := r.get(h.figure); ok {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", h.work, h.peer, strings.TrimSuffix(formatValue(f), "x"),
				formatSpread(f))
		}
	}
	text := fmt.Sprintf("%d cores, %s, %s, commit `%s`, [results](%s)", r.Cores, r.CPU, r.Date, r.Commit, file)
	if noisy := r.noisy(); len(noisy) > 0 {
		text += fmt.Sprintf("; **rough: the machine was busy with other work during %s**", strings.Join(noisy, ", "))
	}
	b.WriteString("\n" + page.Wrap(text+"."))
	return b.Bytes()
}
