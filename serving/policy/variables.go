// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"math"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	"github.com/assayrisk/assay"
)

// Schema is what expressions may read of a plan: its fields, entity roles and
// features, in plan order.
type Schema struct {
	Fields   []Variable
	Roles    []string
	Features []Variable // Kind is ignored: features are numbers
}

// Variable is one field or feature. Optional says that it may be missing.
type Variable struct {
	Name     string
	Kind     assay.ValueKind
	Optional bool
}

// source says where a variable's value comes from.
type source struct {
	kind        sourceKind
	name        string // field or role
	index       int    // feature
	underscored bool   // the variable is the name with underscores for characters that CEL does not allow
}

type sourceKind uint8

const (
	sourcePD sourceKind = iota
	sourceMargin
	sourcePoints
	sourceGrade
	sourceEventKind
	sourceEntity
	sourceField
	sourceFieldMissing
	sourceFeature
	sourceFeatureMissing
)

// activation resolves the variables of one evaluation; it implements
// interpreter.Activation.
type activation struct {
	sources map[string]source
	in      *Input
}

// Parent implements interpreter.Activation.
func (*activation) Parent() cel.Activation { return nil }

// ResolveName implements interpreter.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	s, ok := a.sources[name]
	if !ok {
		return nil, false
	}
	switch s.kind {
	case sourcePD:
		return types.Double(a.in.Score.PD), true
	case sourceMargin:
		return types.Double(a.in.Score.Margin), true
	case sourcePoints:
		return types.Double(a.in.Score.Points), true
	case sourceGrade:
		return types.String(a.in.Score.Grade), true
	case sourceEventKind:
		return types.String(a.in.Event.Kind), true
	case sourceEntity:
		return types.String(a.in.Event.Entity(s.name)), true
	case sourceFieldMissing, sourceFeatureMissing:
		return types.Bool(a.absent(&s)), true
	case sourceFeature:
		return types.Double(a.in.Vector[s.index]), true
	}
	v, _ := a.in.Event.Field(s.name)
	switch v.Kind {
	case assay.Number:
		return types.Double(v.Number()), true
	case assay.Text:
		return types.String(v.Text()), true
	case assay.Flag:
		return types.Bool(v.Flag()), true
	case assay.Instant:
		return types.Timestamp{Time: v.Instant()}, true
	}
	return types.NullValue, true
}

func (a *activation) absent(s *source) bool {
	switch s.kind {
	case sourceField, sourceFieldMissing:
		v, _ := a.in.Event.Field(s.name)
		return v.Kind == assay.Missing || v.Kind == assay.Number && math.IsNaN(v.Number())
	case sourceFeature, sourceFeatureMissing:
		return math.IsNaN(a.in.Vector[s.index])
	case sourceEntity:
		return a.in.Event.Entity(s.name) == ""
	}
	return false
}

// Input is what a policy decides from. Vector is in plan order.
type Input struct {
	Event  *assay.Event
	Vector []float64
	Score  assay.Score
}
