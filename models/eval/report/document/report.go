// SPDX-License-Identifier: Apache-2.0

package document

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/assayrisk/assay/internal/chart"
	"github.com/assayrisk/assay/internal/numfmt"
	"github.com/assayrisk/assay/models/eval"
)

// Schema names the layout of report.json. Keys are added, never renamed.
const Schema = "assay/report/v2"

// Report is a finished evaluation: a document of sections, and the metrics
// that machines read. WriteJSON and WriteHTML are two views of the same
// values; neither computes anything.
type Report struct {
	Schema   string        `json:"schema"`
	Title    string        `json:"title"`
	Made     string        `json:"made,omitempty"` // RFC 3339, as the caller gave it
	AUC      numfmt.Number `json:"auc"`
	Gini     numfmt.Number `json:"gini"`
	KS       numfmt.Number `json:"ks"`
	Brier    numfmt.Number `json:"brier"`
	LogLoss  numfmt.Number `json:"logloss"`
	N        int           `json:"n"`
	BadRate  numfmt.Number `json:"bad_rate"`
	Metrics  []eval.Metric `json:"metrics"`
	Headline []string      `json:"headline"` // what a reader must know before anything else
	Verdicts []Verdict     `json:"verdicts"`
	Sections []Section     `json:"sections"`
}

// Section is a numbered chapter. A section that could not be made has no
// blocks, and Absent says what input it needs.
type Section struct {
	ID           string  `json:"id"`
	Title        string  `json:"title"`
	Introduction string  `json:"lead"` // what the reader learns here
	Absent       string  `json:"absent,omitempty"`
	Blocks       []Block `json:"blocks,omitempty"`
}

// Block is a paragraph, a table or a figure: one of its fields is set.
type Block struct {
	Text   *Text         `json:"text,omitempty"`
	Table  *Table        `json:"table,omitempty"`
	Figure *chart.Figure `json:"figure,omitempty"`
}

// Text is a paragraph, with a heading or marked as a finding.
type Text struct {
	Heading string `json:"heading,omitempty"`
	Body    string `json:"body"`
	Strong  bool   `json:"strong,omitempty"` // something the reader must not miss
}

// Table is a table of the report. Its caption says what a row is and how many rows of
// data it is computed from.
type Table struct {
	Title   string   `json:"title"`
	Caption string   `json:"caption,omitempty"`
	Columns []Column `json:"columns"`
	Rows    [][]Cell `json:"rows"`
	Folded  bool     `json:"folded,omitempty"` // long: closed until the reader opens it
}

// Column is the head of a column, and the format of its cells.
type Column struct {
	Name   string        `json:"name"`
	Unit   string        `json:"unit,omitempty"`
	Format numfmt.Format `json:"format,omitempty"`
}

// Cell is a text or a number.
type Cell struct {
	text    string
	number  numfmt.Number
	numeric bool
	format  numfmt.Format // in place of the column's
	pieces  []Piece
}

// Words returns a text cell.
func Words(s string) Cell { return Cell{text: s} }

// Value returns a number cell. NaN is shown as a dash.
func Value(x float64) Cell { return Cell{number: numfmt.Number(x), numeric: true} }

// As returns the cell printed in another format than its column's.
func (c Cell) As(f numfmt.Format) Cell {
	c.format = f
	return c
}

// Count returns a count cell.
func Count(n int) Cell { return Value(float64(n)) }

// MarshalJSON writes a string, a number, or null.
func (c Cell) MarshalJSON() ([]byte, error) {
	if c.numeric {
		return c.number.MarshalJSON()
	}
	return json.Marshal(c.text)
}

// Print returns the cell as it is shown in a column of the format.
func (c Cell) Print(f numfmt.Format) string {
	if !c.numeric {
		return c.text
	}
	if c.format != "" {
		f = c.format
	}
	return f.Print(float64(c.number))
}

// Numeric reports whether the cell is a number.
func (c Cell) Numeric() bool { return c.numeric }

// Number returns the number of the cell, 0 for a text.
func (c Cell) Number() numfmt.Number { return c.number }

// Text returns the text of the cell, "" for a number.
func (c Cell) Text() string { return c.text }

func (s *Section) AddText(format string, a ...any) {
	s.Blocks = append(s.Blocks, Block{Text: &Text{Body: fmt.Sprintf(format, a...)}})
}

func (s *Section) AddFinding(format string, a ...any) {
	s.Blocks = append(s.Blocks, Block{Text: &Text{Body: fmt.Sprintf(format, a...), Strong: true}})
}

func (s *Section) AddHeading(heading, format string, a ...any) {
	s.Blocks = append(s.Blocks, Block{Text: &Text{Heading: heading, Body: fmt.Sprintf(format, a...)}})
}

func (s *Section) AddTable(t Table)         { s.Blocks = append(s.Blocks, Block{Table: &t}) }
func (s *Section) AddFigure(f chart.Figure) { s.Blocks = append(s.Blocks, Block{Figure: &f}) }

// Metric returns the named estimate, and whether the report has it.
func (r *Report) Metric(name string) (eval.Estimate, bool) {
	for _, m := range r.Metrics {
		if m.Name == name {
			return m.Estimate, true
		}
	}
	return eval.Estimate{Value: numfmt.NaN(), Low: numfmt.NaN(), High: numfmt.NaN()}, false
}

// WriteJSON writes report.json: one object, indented, the same bytes for the
// same report.
func (r *Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write report.json: %w", err)
	}
	return nil
}
