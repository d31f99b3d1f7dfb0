// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/window"
)

// windowState is what a window must keep for the features that read it.
type windowState struct {
	needs  window.Needs
	recent int
}

func (s *Spec) windowOf(name string) int {
	return slices.IndexFunc(s.Windows, func(w WindowSpec) bool { return w.Name == name })
}

// windowFields are the roles and fields that events feed window i with.
func (s *Spec) windowFields(i int) []string {
	w := &s.Windows[i]
	out := slices.Concat(w.Key, []string{w.Value, w.Member}, s.derivedFields(w.Value))
	for _, c := range w.Where {
		out = append(append(out, c.Field), s.derivedFields(c.Field)...)
	}
	return out
}

// config is window i as package window keeps it; Spec.check has seen it.
func (p *Plan) config(i int) window.Config {
	w := &p.spec.Windows[i]
	length, hop, offset, _ := w.shape()
	halfLife, _ := parseSpan(w.HalfLife)
	c := window.Config{
		Length: length, Hop: hop, Offset: offset, Needs: p.reads[i].needs, Recent: p.reads[i].recent,
		Members: w.Members, Samples: w.Samples, HalfLife: halfLife,
	}
	if w.Calendar != "" {
		c.Calendar = &calendar{w.Calendar, p.zones[w.Zone]}
	}
	return c
}

// calendarShape reads a length or an offset in units of a calendar.
func calendarShape(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > maxPanes {
		return 0, fmt.Errorf("%q is no number of the calendar's units: want a whole number of at most %d", s, maxPanes)
	}
	return n, nil
}

// readCalendar is shape for a window over a calendar.
func (w *WindowSpec) readCalendar() (length, offset int64, err error) {
	if !slices.Contains(calendarUnits, w.Calendar) {
		return 0, 0, fmt.Errorf("calendar %q is not known: want day, week, month, quarter or year", w.Calendar)
	}
	if w.Hop != "" {
		return 0, 0, fmt.Errorf("a window over a calendar moves in its units and has no hop")
	}
	if length, err = calendarShape(w.Length); err != nil {
		return 0, 0, err
	}
	if length == 0 {
		return 0, 0, fmt.Errorf("how many of the calendar's units is the window long? " +
			"1 is from the start of the present one to now")
	}
	offset, err = calendarShape(w.Offset)
	return length, offset, err
}

// zoneNames are the time zones that the spec names, sorted.
func (s *Spec) zoneNames() []string {
	var out []string
	for i := range s.Windows {
		out = append(out, s.Windows[i].Zone)
	}
	for i := range s.Features {
		out = append(out, s.Features[i].Zone)
	}
	for i := range s.Derived {
		out = append(out, s.Derived[i].Zone)
	}
	out = slices.DeleteFunc(out, func(n string) bool { return n == "" || n == "UTC" })
	slices.Sort(out)
	return slices.Compact(out)
}

// freezeZones reads the zones that the spec names.
func (s *Spec) freezeZones() ([]frozenZone, error) {
	var out []frozenZone
	for _, name := range s.zoneNames() {
		z, err := freezeZone(name)
		if err != nil {
			return nil, err
		}
		out = append(out, z)
	}
	return out, nil
}

func (p *Plan) compileZones() error {
	p.zones = map[string]*zone{}
	names := p.spec.zoneNames()
	for i, f := range p.frozen.Zones {
		if i >= len(names) || f.Zone != names[i] {
			return fmt.Errorf("time zone %q is not one that the plan names", f.Zone)
		}
		z, err := f.thaw()
		if err != nil {
			return err
		}
		p.zones[f.Zone] = z
	}
	if len(p.frozen.Zones) != len(names) {
		return fmt.Errorf("%d time zones for the %d that the plan names", len(p.frozen.Zones), len(names))
	}
	return nil
}

// learnMembers lists, for each feature that answers with a member of its
// window, all texts that members of the log have, and gives each a code until
// fitMember knows which of them are categories.
func (p *Plan) learnMembers(rec arrow.Record, src *source) (map[int][]string, error) {
	out, columns := map[int][]string{}, map[string][]string{}
	for i := range p.steps {
		st := &p.steps[i]
		if !st.kernel.member {
			continue
		}
		name := p.spec.Windows[p.spec.windowOf(st.learned.spec.Window)].Member
		texts, ok := columns[name]
		if !ok {
			textOf, err := p.memberTexts(rec, src, name)
			if err != nil {
				return nil, err
			}
			seen := map[string]bool{}
			for row := range int(rec.NumRows()) {
				if t := textOf(row); t != "" && !seen[t] {
					seen[t] = true
					texts = append(texts, t)
				}
			}
			slices.Sort(texts)
			columns[name] = texts
		}
		out[st.out-p.featureSlot(0)] = texts
		st.learned.bindMembers(texts)
	}
	return out, nil
}

// memberTexts reads a role or a text field of a table's rows as events have it.
func (p *Plan) memberTexts(rec arrow.Record, src *source, name string) (func(row int) string, error) {
	if i, ok := p.byName[name]; ok && !slices.Contains(p.spec.Entities, name) {
		return func(row int) string {
			v, err := p.fields[i].eventValue(&src.cols[i], row)
			if err != nil {
				return "" // the replay says so
			}
			return v.Text()
		}, nil
	}
	c, err := columnOf(rec, name, assay.Text, false)
	return c.text, err
}
