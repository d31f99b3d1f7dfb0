// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/assayrisk/assay"
)

// Info describes a public set.
type Info struct {
	Name     string       // what Read takes
	Title    string       // what it is, in a few words
	Licence  string       // and its holder
	Source   string       // where it was published
	Label    string       // column of the published file that holds the outcome
	Bad      string       // the label's text for the bad event, "" if it is 0 and 1
	Rows     int          // data rows
	Features int          // columns without the label
	SHA256   assay.Digest // of the file
	Embedded bool         // part of this package; the others are downloaded
	URL      string       // where Fetch finds it, "" if embedded
}

var (
	//go:embed embedded/credit_data.csv
	creditCSV []byte
	//go:embed embedded/lending_club.csv
	lendingCSV []byte
	//go:embed embedded/credit_data_split.txt
	creditSplit []byte
	//go:embed credit/plan.yaml
	creditPlan []byte
)

func digest(hex string) assay.Digest {
	d, err := assay.ParseDigest(hex)
	if err != nil {
		panic(err) // a constant of this file; TestEmbeddedDigests reads them all
	}
	return d
}

// List returns the known sets, sorted by name.
func List() []Info {
	const modeldata = "R package modeldata 1.1.0"
	return []Info{
		{
			Name: "credit_data", Title: "consumer loans", Licence: "MIT, (c) 2019 Max Kuhn, RStudio", Source: modeldata,
			Label: "Status", Bad: "bad", Rows: 4454, Features: 13, Embedded: true,
			SHA256: digest("43c83a4630f1995f00b456becc4a84219616a2f2bae445e86c706264cc9050a4"),
		},
		{
			Name: "lending_club", Title: "peer-to-peer loans", Licence: "MIT, (c) 2019 Max Kuhn, RStudio",
			Source: modeldata,
			Label:  "Class", Bad: "bad", Rows: 9857, Features: 22, Embedded: true,
			SHA256: digest("5f04bc48d26cf1235d37fc8a1c27ce0b8b4f94ad728fc29c64645e507a599d9f"),
		},
	}
}

// splitDigest pins the published split of credit_data.
const splitDigest = "53cf81ff6208dd4a93326967ccfcf960c1c1cd252d4a7c0be59148aa4ad8a9da"

func names() []string {
	var out []string
	for _, i := range List() {
		out = append(out, i.Name)
	}
	return out
}

func lookup(name string) (Info, bool) {
	for _, i := range List() {
		if i.Name == name {
			return i, true
		}
	}
	return Info{}, false
}

func sha(b []byte) assay.Digest { return sha256.Sum256(b) }

// readNamed reads a set, checks its digest, and puts the label last as
// "target", with 1 for the bad event.
func readNamed(ctx context.Context, info Info, opt Options) (*Frame, error) {
	b, err := bytesOf(info, opt.Dir)
	if err != nil {
		return nil, err
	}
	if d := sha(b); d != info.SHA256 {
		return nil, fmt.Errorf("data set %s: SHA-256 is %s, want %s: %w", info.Name, d, info.SHA256, assay.ErrCorrupt)
	}
	if opt.Label != "" && opt.Label != DefaultLabel && opt.Label != info.Label {
		return nil, &BadRow{File: info.Name, Column: opt.Label, Problem: "the label of this set is " + DefaultLabel}
	}
	opt.Label, opt.Bad, opt.Unlabelled = info.Label, info.Bad, false
	if opt.Missing == nil {
		opt.Missing = []string{"NA", "NaN", "nan", "null", "NULL"} // what those who made the sets write for no value
	}
	f, err := ReadBytes(ctx, info.Name, b, opt)
	if err != nil {
		return nil, err
	}
	f.Record = labelLast(f.Record, info.Label)
	f.Label = DefaultLabel
	return f, nil
}

func bytesOf(info Info, dir string) ([]byte, error) {
	switch info.Name {
	case "credit_data":
		return creditCSV, nil
	case "lending_club":
		return lendingCSV, nil
	}
	path, err := cachePath(info, dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("data set %s is not embedded and was not downloaded yet (assay data fetch %s): %w",
			info.Name, info.Name, assay.ErrNotFound)
	}
	return readWhole(path, 2<<30)
}

func cachePath(info Info, dir string) (string, error) {
	if dir == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no directory for downloads: %w", err)
		}
		dir = filepath.Join(base, "assay")
	}
	return filepath.Join(dir, info.Name+".csv"), nil
}

// labelLast moves a column to the end under the name "target".
func labelLast(rec arrow.Record, label string) arrow.Record {
	var fields []arrow.Field
	var cols []arrow.Array
	i := slices.IndexFunc(rec.Schema().Fields(), func(f arrow.Field) bool { return f.Name == label })
	for j, f := range rec.Schema().Fields() {
		if j != i {
			fields, cols = append(fields, f), append(cols, rec.Column(j))
		}
	}
	last := rec.Schema().Field(i)
	last.Name = DefaultLabel
	fields, cols = append(fields, last), append(cols, rec.Column(i))
	return array.NewRecord(arrow.NewSchema(fields, nil), cols, rec.NumRows())
}

// Split returns "train", "val" or "test" for each row of a set that has a
// published split: credit_data (2672, 891, 891 rows).
func Split(name string) ([]string, error) {
	if name != "credit_data" {
		return nil, fmt.Errorf("data set %q has no published split; credit_data has: %w", name, assay.ErrNotFound)
	}
	if d := sha(creditSplit); d.String() != splitDigest {
		return nil, fmt.Errorf("split of %s: SHA-256 is %s, want %s: %w", name, d, splitDigest, assay.ErrCorrupt)
	}
	var out []string
	for _, c := range bytes.ReplaceAll(creditSplit, []byte("\n"), nil) {
		part, ok := map[byte]string{'t': "train", 'v': "val", 'e': "test"}[c]
		if !ok {
			return nil, fmt.Errorf("split of %s: unknown letter %q: %w", name, c, assay.ErrCorrupt)
		}
		out = append(out, part)
	}
	return out, nil
}

// Plan returns the feature plan, as YAML to be fitted, that was written by
// hand for a set: credit_data.
func Plan(name string) ([]byte, error) {
	if name != "credit_data" {
		return nil, fmt.Errorf("data set %q comes without a plan; one can be inferred: %w", name, assay.ErrNotFound)
	}
	return bytes.Clone(creditPlan), nil
}
