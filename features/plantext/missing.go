// SPDX-License-Identifier: Apache-2.0

package plantext

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// MissingSpec says whether a field may have no value, and which values mean
// that it has none, from every source. Values are compared, not their spellings:
// in a field of texts 1 includes 1.0, in a field of numbers -999 includes -999.0,
// and in a field of times 1900-01-01 is that midnight, UTC. A text that is no
// number or time, such as NA or never, may be listed for those fields too: it means
// no value wherever they are written as texts, in files, columns and events.
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
