// SPDX-License-Identifier: Apache-2.0

package features

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/assayrisk/assay"
)

// One value has several spellings: a flag is True in a CSV file of pandas, true
// in one of polars, TRUE in one of R and a boolean in Parquet; the code 1 is 1.0
// where the column had gaps. What a value is, is decided here, by the kind that
// the plan gives its field, for cells of tables and for values of events alike:
//
//	kind    is written as
//	flag    a flag; the numbers 0 and 1; the texts true and false in any case, 0, 1, 0.0, 1.0
//	number  a number; a flag as 0 or 1; a text that is a decimal number, or true or false
//	text    a text; a whole number by its digits, any other by the shortest decimal that reads back as
//	        the same; true and false in lower case; a text of digits, a point and zeros alone without
//	        the point and the zeros (1.0 is 1, but 01 stays 01 and 1.10 stays 1.10)
//	time    a time; a text in one of timeLayouts
//
// The empty text is no value in all of them, and so are the plan's marks
// (missing:): a text that is a mark as it stands, before anything is made of it,
// and a value that is one in any other spelling (field.textOf, marks.number,
// marks.time). Where the plan itself spells a text (in a dictionary of an older
// plan, in values, in a window's condition), the plan's spelling is the
// canonical one.

// maxExactInt bounds the whole numbers of which float64 holds every one.
const maxExactInt = 1 << 53

// canonicalText is the canonical form of a text, wherever it came from.
func canonicalText(s string) string {
	if n := len(s); n > 2 && s[n-1] == '0' {
		return withoutZeroFraction(s)
	}
	if b, ok := boolWord(s); ok {
		return strconv.FormatBool(b)
	}
	return s
}

// boolWord reads true and false in any case.
func boolWord(s string) (value, ok bool) {
	switch {
	case len(s) == 4 && strings.EqualFold(s, "true"):
		return true, true
	case len(s) == 5 && strings.EqualFold(s, "false"):
		return false, true
	}
	return false, false
}

// withoutZeroFraction returns 12 for 12.0 and 12.00; a text that is no whole
// number in plain digits, or that has zeros in front, is returned as it is.
func withoutZeroFraction(s string) string {
	whole, fraction, ok := strings.Cut(s, ".")
	if !ok || fraction == "" || strings.Trim(fraction, "0") != "" {
		return s
	}
	digits := strings.TrimPrefix(whole, "-")
	if digits == "" || len(digits) > 1 && digits[0] == '0' {
		return s
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return s
		}
	}
	if digits == "0" {
		return "0"
	}
	return whole
}

// numberOfText reads a decimal number, or true or false as 1 and 0.
func numberOfText(s string) (x float64, ok bool) {
	if b, ok := boolWord(s); ok {
		return numberOfBool(b), true
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	x, err := strconv.ParseFloat(s, 64)
	return x, err == nil
}

func numberOfBool(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// textOfNumber is the canonical text of a number; ok is false for one that may
// have lost digits on its way, and for infinities.
func textOfNumber(x float64) (s string, ok bool) {
	if x == 0 {
		return "0", true // also the negative one
	}
	return strconv.FormatFloat(x, 'f', -1, 64), x-x == 0 && math.Abs(x) <= maxExactInt
}

// timeLayouts are the forms in which a text may hold a time.
var timeLayouts = [...]string{time.RFC3339Nano, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02"}

func timeOfText(s string) (t time.Time, ok bool) {
	for _, l := range timeLayouts {
		if t, err := time.Parse(l, s); err == nil {
			return t, sayable(t)
		}
	}
	return t, false
}

// spelling is the canonical form of a text of the field.
func (f *field) spelling(s string) string {
	if _, ok := f.codes[s]; ok || f.values[s] {
		return s
	}
	c := canonicalText(s)
	if own, ok := f.spelled[c]; ok {
		return own
	}
	return c
}

// learnSpellings notes the texts that the plan spells in another form than the
// canonical one, and the digits that a dictionary of true and false, or the
// words that one of 0 and 1, goes by elsewhere.
func (f *field) learnSpellings(texts []string) {
	own := func(canonical, s string) {
		if _, taken := f.spelled[canonical]; taken || canonical == s || f.values[canonical] {
			return
		}
		if _, taken := f.codes[canonical]; taken {
			return
		}
		if f.spelled == nil {
			f.spelled = map[string]string{}
		}
		f.spelled[canonical] = s
	}
	alike := [...]string{"true", "1", "false", "0"}
	booleans := len(texts) > 0
	for _, s := range texts {
		c := canonicalText(s)
		own(c, s)
		booleans = booleans && (c == "true" || c == "false" || c == "1" || c == "0")
	}
	if !booleans {
		return
	}
	for _, s := range texts {
		c := canonicalText(s)
		for i, word := range alike {
			if c == word {
				own(alike[i^1], s)
			}
		}
	}
}

// compileSpellings learns how the plan itself spells texts: in dictionaries
// first, then in what it lists, allows and asks for.
func (p *Plan) compileSpellings() {
	learn := func(name string, texts []string) {
		if i, ok := p.byName[name]; ok && p.fields[i].kind == assay.Text {
			p.fields[i].learnSpellings(texts)
		}
	}
	for _, t := range p.frozen.Texts {
		learn(t.Field, t.Texts)
	}
	for i := range p.spec.Features {
		f := &p.spec.Features[i]
		if in := p.spec.inputs(f); len(in) == 1 {
			learn(in[0], f.Categories)
		}
	}
	for i := range p.spec.Fields {
		learn(p.spec.Fields[i].Name, p.spec.Fields[i].Values)
	}
	for i := range p.spec.Windows {
		for _, w := range p.spec.Windows[i].Where {
			learn(w.Field, w.Is)
			learn(w.Field, w.Not)
		}
	}
	for i := range p.spec.Features {
		if f := &p.spec.Features[i]; f.Window != "" {
			learn(p.spec.Windows[p.spec.windowOf(f.Window)].Member, f.Is)
		}
	}
}

// canonical returns a value in the canonical form of the field's kind; ok is
// false where it has none, and the value is then as it was.
func (f *field) canonical(v assay.Value) (_ assay.Value, ok bool) {
	if v.Kind == assay.Text && f.noText(v.Text()) {
		return assay.Value{}, true
	}
	switch f.kind {
	case assay.Text:
		return f.toText(v)
	case assay.Instant:
		if v.Kind == assay.Text {
			t, ok := timeOfText(v.Text())
			if !ok {
				return v, false
			}
			v = assay.InstantValue(t)
		}
		if v.Kind == assay.Instant && f.marks.time(v.Micros()) {
			return assay.Value{}, true
		}
	case assay.Number, assay.Flag:
		x := v.Number()
		if v.Kind == assay.Text {
			if x, ok = numberOfText(v.Text()); !ok {
				return v, false
			}
		} else if v.Kind != assay.Number && v.Kind != assay.Flag {
			return v, v.Kind == assay.Missing
		}
		if x == x && f.marks.number(x) != x {
			return assay.Value{}, true
		}
		if f.kind == assay.Number {
			return assay.NumberValue(x), true
		}
		return flagOf(v, x)
	}
	return v, v.Kind == assay.Missing || v.Kind == f.kind
}

// toText is canonical of a field of texts.
func (f *field) toText(v assay.Value) (_ assay.Value, ok bool) {
	var s string
	switch v.Kind {
	case assay.Text:
		s = v.Text()
	case assay.Flag:
		s = strconv.FormatBool(v.Flag())
	case assay.Number:
		if s, ok = textOfNumber(v.Number()); !ok {
			return v, false
		}
	default:
		return v, v.Kind == assay.Missing
	}
	if s = f.textOf(s); s == "" {
		return assay.Value{}, true
	}
	return assay.TextValue(s), true
}

// flagOf makes a flag of 0 and 1.
func flagOf(v assay.Value, x float64) (assay.Value, bool) {
	if x != 0 && x != 1 {
		return v, false
	}
	return assay.FlagValue(x == 1), true
}

// Admit is what an event passes through when it comes from outside: it brings
// each value into the canonical form of its field's kind, in place, and then
// holds the event to the plan as Validate does. An event that is to be scored
// has to name a field that a feature reads, if only to say that it is missing.
// What Admit has let in it leaves as it is the next time.
func (p *Plan) Admit(ev *assay.Event) error {
	n := -1
	for i := range ev.Fields {
		if n = p.fieldAfter(n, ev.Fields[i].Name); n < 0 {
			break // Validate says so
		}
		if v, ok := p.fields[n].canonical(ev.Fields[i].Value); ok {
			ev.Fields[i].Value = v
		}
	}
	if err := p.Validate(ev); err != nil {
		return err
	}
	if ev.Kind == p.kinds[scored] && p.readsFields && !p.saysAnything(ev) {
		return &assay.FieldError{Field: "fields", Problem: "the event names no field that the model reads; those are " +
			p.readNames()}
	}
	return nil
}

// readNames lists the fields that features read of a scored event.
func (p *Plan) readNames() string {
	s := Spec{}
	for i := range p.fields {
		if p.fields[i].read {
			s.Fields = append(s.Fields, *p.fields[i].spec)
		}
	}
	return s.fieldNames()
}

// saysAnything reports whether the event names a field that a feature reads.
func (p *Plan) saysAnything(ev *assay.Event) bool {
	n := -1
	for i := range ev.Fields {
		if n = p.fieldAfter(n, ev.Fields[i].Name); p.fields[n].read {
			return true
		}
	}
	return false
}
