// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"strings"
)

// separators are the marks between cells, in the order in which they are tried.
var separators = [...]rune{',', ';', '\t', '|'}

// sampleRows is how many rows are looked at to find the mark between cells.
const sampleRows = 100

// separator finds the mark between the cells of a text and takes a first line
// that states it (sep=;), as spreadsheets write. A comma goes before the other
// marks where it makes rows of one length.
func separator(r *bufio.Reader) (rune, error) {
	head, _ := r.Peek(headBytes)
	line, _, _ := bytes.Cut(head, []byte("\n"))
	stated := strings.ReplaceAll(strings.TrimRight(string(line), "\r"), `"`, "")
	if mark, ok := strings.CutPrefix(strings.ToLower(stated), "sep="); ok && len(mark) == 1 && strings.ContainsAny(mark,
		",;\t|") {
		if _, err := r.Discard(min(len(line)+1, len(head))); err != nil {
			return 0, err
		}
		return rune(mark[0]), nil
	}
	best, most := ',', 0.0
	for _, mark := range separators {
		cells, alike := regularity(head, len(head) == headBytes, mark)
		if cells < 2 {
			continue
		}
		if alike == 1 {
			return mark, nil
		}
		if alike > most {
			best, most = mark, alike
		}
	}
	return best, nil
}

// regularity reads the first rows with a mark between cells, and returns the
// number of the header's cells and the share of rows that have as many.
func regularity(head []byte, cut bool, mark rune) (cells int, alike float64) {
	r := csv.NewReader(bytes.NewReader(head))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = mark, -1, true
	rows, same := 0, 0
	for rows < sampleRows {
		rec, err := r.Read()
		if err != nil || cut && r.InputOffset() >= int64(len(head)) { // the last row may be half of one
			break
		}
		if rows == 0 {
			cells = len(rec)
		}
		rows++
		if len(rec) == cells {
			same++
		}
	}
	return cells, float64(same) / float64(max(rows, 1))
}
