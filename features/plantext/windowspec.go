// SPDX-License-Identifier: Apache-2.0

package plantext

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/assayrisk/assay/features/eventtime"
)

// WindowIndex returns the index of a window, or -1.
func (s *Spec) WindowIndex(name string) int {
	return slices.IndexFunc(s.Windows, func(w WindowSpec) bool { return w.Name == name })
}

// WindowReads are the roles, fields and derived values of an event that window i
// reads. Some may be empty, and some may occur twice.
func (s *Spec) WindowReads(i int) []string { return s.readsOf(&s.Windows[i]) }

func (s *Spec) readsOf(w *WindowSpec) []string {
	out := slices.Concat(w.Key, []string{w.Value, w.Member}, s.FieldsOfDerived(w.Value))
	for _, c := range w.Where {
		out = append(append(out, c.Field), s.FieldsOfDerived(c.Field)...)
	}
	return out
}

// WindowReadsFields are the fields among WindowReads. A key or member that is the name of a role and of a field is the
// role.
func (s *Spec) WindowReadsFields(i int) []string {
	w := s.Windows[i]
	isRole := func(name string) bool { return slices.Contains(s.Entities, name) }
	w.Key = slices.DeleteFunc(slices.Clone(w.Key), isRole)
	if isRole(w.Member) {
		w.Member = ""
	}
	return slices.DeleteFunc(s.readsOf(&w), func(name string) bool { return s.FieldIndex(name) < 0 })
}

// calendarUnits reads a length or an offset in units of a calendar.
func calendarUnits(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > MaxPanes {
		return 0, fmt.Errorf("%q is no number of the calendar's units: want a whole number of at most %d", s, MaxPanes)
	}
	return n, nil
}

// readCalendar is Shape for a window over a calendar.
func (w *WindowSpec) readCalendar() (length, offset int64, err error) {
	if !slices.Contains(eventtime.Units, w.Calendar) {
		return 0, 0, fmt.Errorf("calendar %q is not known: want day, week, month, quarter or year", w.Calendar)
	}
	if w.Hop != "" {
		return 0, 0, fmt.Errorf("a window over a calendar moves in its units and has no hop")
	}
	if length, err = calendarUnits(w.Length); err != nil {
		return 0, 0, err
	}
	if length == 0 {
		return 0, 0, fmt.Errorf("how many of the calendar's units is the window long? " +
			"1 is from the start of the present one to now")
	}
	offset, err = calendarUnits(w.Offset)
	return length, offset, err
}

// wholeLife is the length of a window that forgets nothing.
const wholeLife = "all"

// MaxPanes bounds the hops of one window.
const MaxPanes = 4096

// Shape returns the window's length, hop and offset in microseconds, or length and
// offset in units of its calendar; all are 0 for a window over the whole life of
// its key.
func (w *WindowSpec) Shape() (length, hop, offset int64, err error) {
	if w.Calendar != "" {
		length, offset, err = w.readCalendar()
		return length, 0, offset, err
	}
	if w.Length == wholeLife {
		if w.Hop != "" || w.Offset != "" {
			return 0, 0, 0, fmt.Errorf("a window over the whole life of a key has no hop and no offset")
		}
		return 0, 0, 0, nil
	}
	if length, err = eventtime.ParseSpan(w.Length); err != nil {
		return 0, 0, 0, err
	}
	if length == 0 {
		return 0, 0, 0, fmt.Errorf(`how long is the window? Write "90d", or "all"`)
	}
	if hop, err = eventtime.ParseSpan(w.Hop); err != nil {
		return 0, 0, 0, err
	}
	if offset, err = eventtime.ParseSpan(w.Offset); err != nil {
		return 0, 0, 0, err
	}
	if hop == 0 {
		hop = max(length/30, 1)
	}
	if hop > length || (length+offset)/hop > MaxPanes {
		return 0, 0, 0,
			fmt.Errorf("the hop must not be longer than the window, nor shorter than 1/%d of it and its offset",
				MaxPanes)
	}
	return length, hop, offset, nil
}
