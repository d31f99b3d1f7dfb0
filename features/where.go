// SPDX-License-Identifier: Apache-2.0

package features

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/assayrisk/assay"
)

// Conditions is a list of conditions, all of which must hold. One may be
// written without a list: `where: {field: amount, above: 0}`.
type Conditions []WhereSpec

// UnmarshalYAML reads a condition or a list of them.
func (c *Conditions) UnmarshalYAML(unmarshal func(any) error) error {
	var shape any
	if err := unmarshal(&shape); err != nil {
		return err
	}
	if _, list := shape.([]any); list {
		var many []WhereSpec
		err := unmarshal(&many)
		*c = many
		return err
	}
	var one WhereSpec
	err := unmarshal(&one)
	*c = Conditions{one}
	return err
}

// MarshalYAML writes one condition without a list.
func (c Conditions) MarshalYAML() (any, error) { return c.plain(), nil }

// MarshalJSON writes one condition without a list, as plans were frozen before
// there were lists.
func (c Conditions) MarshalJSON() ([]byte, error) { return json.Marshal(c.plain()) }

func (c Conditions) plain() any {
	if len(c) == 1 {
		return c[0]
	}
	return []WhereSpec(c)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Conditions) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]WhereSpec)(c))
	}
	*c = make(Conditions, 1)
	return json.Unmarshal(b, &(*c)[0])
}

// condition is a compiled WhereSpec.
type condition struct {
	spec *WhereSpec
	of   operand
}

// operand is a number that events carry, or that is derived from what they do.
type operand struct {
	field   *field // nil: derived
	derived int    // slot in a derivation's row
}

// value is the operand of one event, NaN if it has none.
func (o *operand) value(ev *assay.Event, row *derivedRow) float64 {
	if o.field == nil {
		return row.cols[o.derived][0]
	}
	v, _ := ev.Field(o.field.spec.Name)
	return o.field.numberOf(v)
}

// holds reports whether an event satisfies the condition. A missing value
// satisfies `missing: true` alone.
func (c *condition) holds(ev *assay.Event, row *derivedRow) bool {
	w := c.spec
	if c.of.field != nil && c.of.field.kind == assay.Text {
		v, _ := ev.Field(c.of.field.spec.Name)
		text := v.Text()
		switch {
		case c.of.field.noText(text):
			return w.Missing != nil && *w.Missing
		case w.Missing != nil && *w.Missing:
			return false
		}
		return (len(w.Is) == 0 || slices.Contains(w.Is, text)) && !slices.Contains(w.Not, text)
	}
	x := c.of.value(ev, row)
	if x != x {
		return w.Missing != nil && *w.Missing
	}
	return (w.Missing == nil || !*w.Missing) &&
		(w.Above == nil || x > *w.Above) && (w.Below == nil || x < *w.Below) &&
		(w.AtLeast == nil || x >= *w.AtLeast) && (w.AtMost == nil || x <= *w.AtMost)
}

// compileFeed resolves what a window is fed with, and reports whether any of it
// is derived.
func (p *Plan) compileFeed(f *feed) (derives bool) {
	operandOf := func(name string) operand {
		if i, ok := p.byName[name]; ok {
			return operand{field: &p.fields[i]}
		}
		derives = true
		return operand{derived: p.derivedSlot(p.spec.derivedOf(name))}
	}
	if f.spec.Value != "" {
		o := operandOf(f.spec.Value)
		f.value = &o
	}
	for i := range f.spec.Where {
		w := &f.spec.Where[i]
		f.wheres = append(f.wheres, condition{w, operandOf(w.Field)})
	}
	return derives
}

// takes reports whether the event satisfies the window's conditions.
func (f *feed) takes(ev *assay.Event, row *derivedRow) bool {
	for i := range f.wheres {
		if !f.wheres[i].holds(ev, row) {
			return false
		}
	}
	return true
}

// valueOf is what the event adds to the window; ok is false if it has none.
func (f *feed) valueOf(ev *assay.Event, row *derivedRow) (float64, bool) {
	if f.value == nil {
		return 1, true
	}
	x := f.value.value(ev, row)
	return x, x-x == 0
}

// condition checks one condition of a window.
func (c checker) condition(w *WindowSpec, at string, n int) error {
	s, cond := c.s, &w.Where[n]
	if len(w.Where) > 1 {
		at = fmt.Sprintf("%s[%d]", at, n)
	}
	text := false
	if i := s.fieldOf(cond.Field); i >= 0 {
		text = s.Fields[i].kind() == assay.Text
	} else if s.derivedOf(cond.Field) < 0 {
		return c.fail(at+".field", "the fields are "+s.fieldNames(), "%q names no field and no derived value",
			cond.Field)
	}
	texts := len(cond.Is)+len(cond.Not) > 0
	numbers := cond.Above != nil || cond.Below != nil || cond.AtLeast != nil || cond.AtMost != nil
	switch {
	case text && numbers || !text && texts || !texts && !numbers && cond.Missing == nil:
		return c.fail(at, "", "a text wants `is`, `not` or `missing`, "+
			"a number `above`, `below`, `at_least`, `at_most` or `missing`")
	case cond.Missing != nil && *cond.Missing && (texts || numbers):
		return c.fail(at, "a missing value satisfies nothing else", "`missing: true` stands alone")
	}
	for _, x := range []*float64{cond.Above, cond.Below, cond.AtLeast, cond.AtMost} {
		if x != nil && *x-*x != 0 {
			return c.fail(at, "", "want a finite number")
		}
	}
	return nil
}
