// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"path/filepath"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
)

// metricsSummary is what --json prints of an evaluation. Its keys are stable;
// a figure that is not defined on the rows is null.
type metricsSummary struct {
	AUC      numfmt.Number `json:"auc"`
	Gini     numfmt.Number `json:"gini"`
	KS       numfmt.Number `json:"ks"`
	Brier    numfmt.Number `json:"brier"`
	LogLoss  numfmt.Number `json:"logloss"`
	N        int           `json:"n"`
	BadRate  numfmt.Number `json:"bad_rate"`
	Headline []string      `json:"headline"`
	Digest   assay.Digest  `json:"report_sha256"`      // of report.json
	Sequence *uint64       `json:"sequence,omitempty"` // of the journal's record of it
}

func summarise(r *eval.Report) (metricsSummary, error) {
	d, err := r.Digest()
	return metricsSummary{
		AUC: r.AUC, Gini: r.Gini, KS: r.KS, Brier: r.Brier, LogLoss: r.LogLoss, N: r.N, BadRate: r.BadRate,
		Headline: r.Headline, Digest: assay.Digest(d),
	}, err
}

// writeReport writes report.html and report.json.
func writeReport(dir string, r *eval.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer) error{"report.html": r.WriteHTML, "report.json": r.WriteJSON} {
		if err := writeFile(nil, filepath.Join(dir, name), write); err != nil {
			return err
		}
	}
	return nil
}
