// SPDX-License-Identifier: Apache-2.0

package features

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// MissingSpec says whether a field may have no value, and which values mean
// that it has none, from whatever source they come: texts in a field of texts,
// numbers in one of numbers (-999, say), and in cells of text files either.
//
//	missing: true
//	missing: [NA, "?", -999]     # these mean no value, and it may be missing
type MissingSpec struct {
	Allowed bool
	Marks   []string
}

// UnmarshalYAML reads true, false or a list.
func (m *MissingSpec) UnmarshalYAML(unmarshal func(any) error) error {
	if unmarshal(&m.Allowed) == nil {
		return nil
	}
	var list []any
	if err := unmarshal(&list); err != nil {
		return errors.New("missing wants true, false, or a list of texts and numbers that mean no value")
	}
	m.Allowed = true
	for _, v := range list {
		switch v := v.(type) {
		case string:
			m.Marks = append(m.Marks, v)
		case nil:
			m.Marks = append(m.Marks, "null")
		case float64:
			m.Marks = append(m.Marks, strconv.FormatFloat(v, 'f', -1, 64))
		case bool, int64, uint64, int:
			m.Marks = append(m.Marks, fmt.Sprint(v))
		default:
			return errors.New("missing wants texts and numbers in its list")
		}
	}
	return nil
}

// MarshalYAML writes what UnmarshalYAML reads.
func (m MissingSpec) MarshalYAML() (any, error) {
	if m.Marks != nil {
		return m.Marks, nil
	}
	return m.Allowed, nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *MissingSpec) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		m.Allowed = true
		return json.Unmarshal(b, &m.Marks)
	}
	return json.Unmarshal(b, &m.Allowed)
}

// MarshalJSON writes true, false or the list.
func (m MissingSpec) MarshalJSON() ([]byte, error) {
	if m.Marks != nil {
		return json.Marshal(m.Marks)
	}
	return json.Marshal(m.Allowed)
}

// MissingMarks returns the field's values that mean no value.
func (f *FieldSpec) MissingMarks() []string {
	if f.Missing == nil {
		return nil
	}
	return slices.Clone(f.Missing.Marks)
}

// marks are a field's values that mean no value, as they are looked for.
type marks struct {
	texts   map[string]bool
	numbers []float64
}

func (f *FieldSpec) marks() marks {
	var m marks
	for _, s := range f.MissingMarks() {
		if m.texts == nil {
			m.texts = map[string]bool{}
		}
		m.texts[s] = true
		if x, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(x) {
			m.numbers = append(m.numbers, x)
		}
	}
	return m
}

// number returns NaN in place of a number that means no value.
func (m *marks) number(x float64) float64 {
	if m.numbers != nil && slices.Contains(m.numbers, x) {
		return math.NaN()
	}
	return x
}

// text returns "" in place of a text that means no value.
func (m *marks) text(s string) string {
	if m.texts != nil && m.texts[s] {
		return ""
	}
	return s
}
