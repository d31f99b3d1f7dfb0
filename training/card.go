// SPDX-License-Identifier: Apache-2.0

package training

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval/report"
)

// card lists the facts of a bundle for the report's model card.
func (s *Scorer) card() []report.Fact {
	m := &s.Bundle.Manifest
	facts := []report.Fact{
		{Name: "Model digest", Value: s.Bundle.Digest.String()},
		{Name: "Plan digest", Value: m.Plan.String()},
		{Name: "Training data", Value: m.Data.Name + ", " + s.labelWords()},
		{Name: "Training data, SHA-256", Value: m.Data.SHA256.String()},
		{Name: "Training rows", Value: fmt.Sprintf("%s, %s bad", numfmt.Count.Print(float64(m.Data.Rows)),
			numfmt.Share(m.Data.BadRate))},
		{Name: "Forest", Value: fmt.Sprintf("%d trees on %d features, objective %s, trainer %s", m.Model.Trees,
			m.Model.Features, m.Model.Objective, m.Model.Trainer)},
		{Name: "Parameters", Value: cmp.Or(FormatParams(m.Params), "the trainer's defaults")},
		{Name: "Seed", Value: strconv.FormatUint(m.Seed, 10)},
		{Name: "Calibration", Value: s.Bundle.Calibration.Method + ", " + s.Bundle.Calibration.Source},
	}
	if m.Data.From != "" {
		facts = append(facts, report.Fact{Name: "Training window", Value: m.Data.From + " to " + m.Data.To})
	}
	if s.Policy != nil {
		facts = append(facts, report.Fact{Name: "Policy", Value: s.Policy.Name() + ", " + s.Policy.Digest().String()})
	}
	for _, n := range m.Notes {
		facts = append(facts, report.Fact{Name: "Note", Value: n})
	}
	return append(facts, programFacts()...)
}

// programFacts says which code makes the report: its version, and the digest of its
// own file, which holds for builds without version control too.
func programFacts() []report.Fact {
	var facts []report.Fact
	if info, ok := debug.ReadBuildInfo(); ok {
		about := "assay " + info.Main.Version + ", " + info.GoVersion
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				about += ", revision " + s.Value
			case "vcs.modified":
				if s.Value == "true" {
					about += " with changes"
				}
			}
		}
		facts = append(facts, report.Fact{Name: "Program", Value: about})
	}
	if d, err := digestOfSelf(); err == nil {
		facts = append(facts, report.Fact{Name: "Program, SHA-256", Value: d.String()})
	}
	return facts
}

// digestOfSelf is the SHA-256 of the running program's file.
func digestOfSelf() (d assay.Digest, err error) {
	path, err := os.Executable()
	if err != nil {
		return d, err
	}
	f, err := os.Open(path)
	if err != nil {
		return d, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return d, err
	}
	return assay.Digest(h.Sum(nil)), nil
}

// labelWords says what the model was trained to predict.
func (s *Scorer) labelWords() string {
	if l := s.Plan.Spec().Label; l != nil && l.Event != "" {
		return fmt.Sprintf("bad is the event %q within %s", l.Event, l.Horizon)
	}
	words := fmt.Sprintf("label %q", s.Bundle.Manifest.Data.Label)
	if w := s.Bundle.Manifest.Data.Weight; w != "" {
		words += fmt.Sprintf(", rows weighted by %q", w)
	}
	return words
}
