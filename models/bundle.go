// SPDX-License-Identifier: Apache-2.0

package models

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/bounded"
)

// The files of a bundle. docs/formats/bundle.md draws them.
const (
	ManifestFile    = "manifest.json"
	PlanFile        = "plan.json"        // the frozen plan, as package features wrote it
	ModelFile       = "model.txt"        // LightGBM text, version=v3
	CalibrationFile = "calibration.json" // margin -> PD -> points and grade
	PolicyFile      = "policy.yaml"      // Score -> Decision; optional
)

// BundleFormat is the manifest's first line. Frozen.
const BundleFormat = "assay/bundle/v1"

// Bounds on the files that are read, so that a hostile bundle cannot exhaust
// memory.
const (
	maxModelFile   = 1 << 30 // also of the plan
	maxFactsFile   = 64 << 20
	maxPolicyBytes = 256 << 10
)

// Manifest says what a bundle is and where it came from. Its canonical bytes
// (encoding/json with one tab of indentation) name the model: the model's
// digest is their SHA-256.
type Manifest struct {
	Format    string                  `json:"format"`
	Name      string                  `json:"name"`
	Version   string                  `json:"version,omitempty"`
	Files     map[string]assay.Digest `json:"files"` // SHA-256 of each other file
	Plan      assay.Digest            `json:"plan"`  // digest of the frozen plan
	Model     ModelFacts              `json:"model"`
	Data      DataFacts               `json:"data"`
	Params    map[string]string       `json:"params,omitempty"`
	Seed      uint64                  `json:"seed"`
	Metrics   map[string]float64      `json:"metrics,omitempty"` // name as in reports, e.g. "valid.auc"
	Reference *Reference              `json:"reference,omitempty"`
	Notes     []string                `json:"notes,omitempty"`
}

// ModelFacts are what the LightGBM text format cannot say about the model.
type ModelFacts struct {
	Trainer     string  `json:"trainer"` // "assay", "lightgbm", "xgboost", ...
	Objective   string  `json:"objective"`
	Trees       int     `json:"trees"`
	Features    int     `json:"features"`
	Init        float64 `json:"init,omitempty"`
	Float32Sums bool    `json:"float32_sums,omitempty"`
	Average     bool    `json:"average,omitempty"`
	Monotone    []int8  `json:"monotone,omitempty"` // per feature, absent if there are none
}

// DataFacts name the training data.
type DataFacts struct {
	Name    string       `json:"name"`
	SHA256  assay.Digest `json:"sha256"` // of the bytes read
	Label   string       `json:"label"`
	Weight  string       `json:"weight,omitempty"` // column that rows were weighted by
	Rows    int          `json:"rows"`             // rows trained on
	Valid   int          `json:"valid"`            // rows held out for early stopping
	BadRate float64      `json:"bad_rate"`
	From    string       `json:"from,omitempty"` // first event time, RFC 3339, where known
	To      string       `json:"to,omitempty"`
}

// Reference is the distribution of the training rows, in the bins that drift
// is measured in: PSI compares live shares with these.
type Reference struct {
	Score    Histogram            `json:"score"` // of the PD
	Features map[string]Histogram `json:"features"`
	// Windows has, by window of the plan, the share of the training rows for whose
	// key it had an event.
	Windows map[string]float64 `json:"windows,omitempty"`
}

// Histogram is the share of rows in bins. Bin i holds x <= Edges[i] that no
// earlier bin holds; one more bin holds the rest, and a last one the missing.
type Histogram struct {
	Edges  []float64 `json:"edges"`
	Shares []float64 `json:"shares"` // length len(Edges)+2, sums to 1
}

// Bundle is everything a server needs to score: the frozen plan, the model,
// its calibration and scale, and the policy. Model is filled by package
// interchange, which reads ModelText.
type Bundle struct {
	Manifest    Manifest
	Digest      assay.Digest // of the manifest's bytes; the model's name in decisions
	Plan        []byte
	ModelText   []byte
	Model       *Model
	Calibration Calibration
	Scale       Scale
	Policy      []byte
}

// ErrBundle is matched by every error about a bundle's content.
var ErrBundle = errors.New("bad bundle")

type calibrationFile struct {
	Calibration Calibration `json:"calibration"`
	Scale       Scale       `json:"scale"`
}

// Score turns a margin into PD, points and grade.
func (b *Bundle) Score(margin float64) assay.Score {
	pd := b.Calibration.Apply(margin)
	return assay.Score{Model: b.Digest, Margin: margin, PD: pd, Points: b.Scale.Points(pd), Grade: b.Scale.Grade(pd)}
}

// WriteBundle writes b to dir, which must not exist or be an older bundle. It
// fills the manifest's Format and Files, sets b.Digest, and replaces dir as a
// whole: a reader sees the old bundle or the new one. On systems other than Linux,
// which cannot exchange two directories, there is an instant in which it sees
// none.
//
// Before it replaces dir, it calls each check with the directory that would take
// its place; when one fails, dir stays as it was.
func WriteBundle(dir string, b *Bundle, checks ...func(dir string) error) error {
	if err := errors.Join(b.Calibration.Validate(), b.Scale.Validate()); err != nil {
		return fmt.Errorf("%w: %w", ErrBundle, err)
	}
	cal, err := marshalJSON(calibrationFile{b.Calibration, b.Scale})
	if err != nil {
		return err
	}
	files := map[string][]byte{PlanFile: b.Plan, ModelFile: b.ModelText, CalibrationFile: cal}
	if len(b.Policy) > 0 {
		files[PolicyFile] = b.Policy
	}
	b.Manifest.Format = BundleFormat
	b.Manifest.Files = map[string]assay.Digest{}
	for name, data := range files {
		if len(data) == 0 {
			return fmt.Errorf("%w: %s is empty", ErrBundle, name)
		}
		b.Manifest.Files[name] = assay.Sum("", data)
	}
	man, err := marshalJSON(b.Manifest)
	if err != nil {
		return fmt.Errorf("%w: manifest: %w", ErrBundle, err)
	}
	files[ManifestFile] = man
	b.Digest = assay.Sum("", man)

	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fmt.Errorf("%s exists and is not a directory: choose another name", dir)
	}
	if _, err := os.Stat(filepath.Join(dir, ManifestFile)); errors.Is(err, fs.ErrNotExist) {
		if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
			return fmt.Errorf("%s exists and is not a bundle: choose another directory", dir)
		}
	}
	tmp, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".bundle-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	for name, data := range files {
		if err := writeSynced(filepath.Join(tmp, name), data); err != nil {
			return err
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := syncDir(tmp); err != nil {
		return err
	}
	for _, check := range checks {
		if err := check(tmp); err != nil {
			return err
		}
	}
	if err := replaceDir(tmp, dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(filepath.Clean(dir)))
}

// syncDir makes the names in a directory durable: without it a power cut may
// leave files that are whole and cannot be found.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// replaceDir moves tmp to dir. A directory cannot be renamed over another that
// has files. Where the system can, it exchanges the two; else it renames the old
// one first, and names it back if moving the new one fails.
func replaceDir(tmp, dir string) error {
	switch err := exchangePaths(tmp, dir); {
	case err == nil:
		return os.RemoveAll(tmp) // the old one
	case errors.Is(err, fs.ErrNotExist):
		return os.Rename(tmp, dir)
	}
	old := tmp + ".old"
	if err := os.Rename(dir, old); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	return os.RemoveAll(old)
}

// ReadBundle reads a bundle and checks every file against the manifest. It
// does not parse the plan, the model text or the policy: their packages do.
func ReadBundle(dir string) (*Bundle, error) {
	man, err := bounded.ReadRegularFile(filepath.Join(dir, ManifestFile), maxFactsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s has no %s: give a directory that `assay train` wrote",
			ErrBundle, dir, ManifestFile)
	}
	if err != nil {
		return nil, err
	}
	b := &Bundle{Digest: assay.Sum("", man)}
	if err := unmarshalStrict(man, &b.Manifest); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBundle, ManifestFile, err)
	}
	if b.Manifest.Format != BundleFormat {
		return nil, fmt.Errorf("%w: format %q, this program reads %q", ErrBundle, b.Manifest.Format, BundleFormat)
	}
	var cal []byte
	for _, f := range []struct {
		name     string
		to       *[]byte
		required bool
		limit    int64
	}{{PlanFile, &b.Plan, true, maxModelFile}, {ModelFile, &b.ModelText, true, maxModelFile},
		{CalibrationFile, &cal, true, maxFactsFile},
		{PolicyFile, &b.Policy, false, maxPolicyBytes}} {
		want, named := b.Manifest.Files[f.name]
		if !named {
			if f.required {
				return nil, fmt.Errorf("%w: the manifest does not name %s", ErrBundle, f.name)
			}
			continue
		}
		data, err := bounded.ReadRegularFile(filepath.Join(dir, f.name), f.limit)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBundle, err)
		}
		if got := assay.Sum("", data); got != want {
			return nil, fmt.Errorf("%w: %s has the digest %s, the manifest says %s: the file was changed after "+
				"training", ErrBundle, f.name, got.Short(), want.Short())
		}
		*f.to = data
	}
	var c calibrationFile
	if err := unmarshalStrict(cal, &c); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBundle, CalibrationFile, err)
	}
	b.Calibration, b.Scale = c.Calibration, c.Scale
	if err := errors.Join(b.Calibration.Validate(), b.Scale.Validate()); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrBundle, CalibrationFile, err)
	}
	return b, nil
}

// FileNames returns the names that the manifest lists, sorted.
func (m *Manifest) FileNames() []string {
	names := make([]string, 0, len(m.Files))
	for n := range m.Files {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func marshalJSON(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "\t")
	return append(b, '\n'), err
}

func unmarshalStrict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("data after the end of the JSON value")
	}
	return nil
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// Bin returns the index in Shares of the bin that x falls into.
func (h *Histogram) Bin(x float64) int {
	if x != x {
		return len(h.Edges) + 1
	}
	i, _ := slices.BinarySearch(h.Edges, x)
	return i
}
