// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/assayrisk/assay/internal/numfmt"
)

// Piece is a part of a sentence, and names that follow it as a list.
type Piece struct {
	Words string
	Names []string
}

// A list of more than listWhole names shows its first listFirst; the page opens
// the others on request.
const (
	listWhole = 8
	listFirst = 5
)

// Phrase returns a text cell of pieces with a space between them. The page cuts
// long lists short; report.json and the workbook hold every name.
func Phrase(pieces ...Piece) Cell {
	said := make([]string, 0, 2*len(pieces))
	for _, p := range pieces {
		if p.Words != "" {
			said = append(said, p.Words)
		}
		if len(p.Names) > 0 {
			said = append(said, strings.Join(p.Names, ", "))
		}
	}
	return Cell{text: strings.Join(said, " "), pieces: pieces}
}

// cut reports whether a list of the cell is shown in part.
func (c Cell) cut() bool {
	for _, p := range c.pieces {
		if len(p.Names) > listWhole {
			return true
		}
	}
	return false
}

// show returns the cell as HTML for the page.
func (c Cell) show(f numfmt.Format) template.HTML {
	if !c.cut() {
		return words(c.Print(f))
	}
	var b strings.Builder
	for i, p := range c.pieces {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(words(p.Words)))
		if len(p.Names) == 0 {
			continue
		}
		if p.Words != "" {
			b.WriteByte(' ')
		}
		b.WriteString(string(list(p.Names)))
	}
	return template.HTML(b.String())
}

// list returns the names as HTML, the rest of a long list folded away.
func list(names []string) template.HTML {
	if len(names) <= listWhole {
		return words(strings.Join(names, ", "))
	}
	return words(strings.Join(names[:listFirst], ", ")) +
		template.HTML(fmt.Sprintf(` <details class="rest"><summary>and %d more</summary>`, len(names)-listFirst)) +
		words(strings.Join(names[listFirst:], ", ")) + `</details>`
}

// FirstFew returns the names for a sentence; of a long list the first few, and how
// many more there are.
func FirstFew(names []string) string {
	if len(names) <= listWhole {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:listFirst], ", "), len(names)-listFirst)
}
