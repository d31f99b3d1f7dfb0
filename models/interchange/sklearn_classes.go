// SPDX-License-Identifier: Apache-2.0

package interchange

import (
	"fmt"

	"github.com/assayrisk/assay/models/interchange/pickle"
)

// sklearnClasses reads the names of an estimator's two classes: decision
// functions are of the second.
func sklearnClasses(v any) ([]string, error) {
	names, ok := namesOf(v)
	if !ok {
		return nil, fmt.Errorf("%w: classes_ is not an array of texts, numbers or booleans", ErrUnsupported)
	}
	if len(names) != 2 {
		return nil, fmt.Errorf("%w: a classifier of %d classes, want 2", ErrUnsupported, len(names))
	}
	return names, nil
}

// namesOf gives the elements of an array as texts.
func namesOf(v any) ([]string, bool) {
	a, ok := pickle.ArrayOf(v)
	if !ok {
		return nil, false
	}
	var out []string
	for _, x := range a.Objects {
		s, ok := nameOf(x)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	for i := range a.Len() {
		if a.Kind == 'U' {
			out = append(out, a.Text(i))
			continue
		}
		x, ok := a.Number(i)
		switch {
		case !ok:
			return nil, false
		case a.Kind == 'b':
			out = append(out, pythonBool(x != 0))
		default:
			out = append(out, numberName(x))
		}
	}
	return out, true
}

// nameOf gives a Python value as a text.
func nameOf(v any) (string, bool) {
	if s, ok := v.(string); ok {
		return s, true
	}
	if b, ok := pickle.Bool(v); ok {
		return pythonBool(b), true
	}
	x, ok := pickle.Number(v)
	return numberName(x), ok
}

func pythonBool(v bool) string {
	if v {
		return "True"
	}
	return "False"
}
