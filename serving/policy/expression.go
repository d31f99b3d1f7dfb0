// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
)

// expression is a compiled CEL expression, and which of its variables may be
// missing.
type expression struct {
	program       cel.Program
	fastTruth     truthFunc  // evaluates it without CEL's interpreter; nil if nothing does
	fastNumber    numberFunc // likewise
	optional      []source   // of the variables that may be missing
	optionalNames []string
	refused       error // why it is never evaluated; nil for one that is
}

// missing reports whether something that x reads has no value.
func (x *expression) missing(act *activation) bool {
	for i := range x.optional {
		if act.absent(&x.optional[i]) {
			return true
		}
	}
	return false
}

func (x *expression) truth(act *activation) (bool, error) {
	if x.fastTruth != nil {
		if v, ok := x.fastTruth(act); ok {
			return v, nil
		}
	}
	return x.truthByCEL(act)
}

func (x *expression) truthByCEL(act *activation) (bool, error) {
	if x.refused != nil {
		return false, x.refused
	}
	v, _, err := x.program.Eval(act)
	if err != nil {
		return false, err
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, fmt.Errorf("the expression gave a %s, want a bool", v.Type())
	}
	return bool(b), nil
}

func (x *expression) number(act *activation) (float64, error) {
	if x.fastNumber != nil {
		if v, ok := x.fastNumber(act); ok {
			return v, nil
		}
	}
	return x.numberByCEL(act)
}

func (x *expression) numberByCEL(act *activation) (float64, error) {
	if x.refused != nil {
		return 0, x.refused
	}
	v, _, err := x.program.Eval(act)
	if err != nil {
		return 0, err
	}
	switch v := v.(type) {
	case types.Double:
		return float64(v), nil
	case types.Int:
		return float64(v), nil
	}
	return 0, fmt.Errorf("the expression gave a %s, want a number", v.Type())
}
