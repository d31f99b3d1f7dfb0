// SPDX-License-Identifier: Apache-2.0

package models

import (
	"fmt"
	"strings"

	"github.com/assayrisk/assay"
)

// SetBadClass makes m's margin that of the bad event, and reports whether it had
// to swap the classes for that. bad names the class of the bad event. It may be
// empty where the names of the classes tell: of 0 and 1, -1 and 1, or False and
// True, the second is bad, and so is a class that is called bad or default. The
// margin of a model that names no classes is that of label 1.
func (m *Model) SetBadClass(bad string) (swapped bool, err error) {
	classes := m.Classes
	if len(classes) == 0 {
		if bad != "" && bad != "0" && bad != "1" {
			return false, fmt.Errorf("%w: --bad %s: the file names no classes; its margin is of label 1, so that "+
				"--bad wants 1 (the default) or 0", assay.ErrInvalid, bad)
		}
		classes = []string{"0", "1"}
	}
	if bad == "" {
		if bad = badByName(classes); bad == "" {
			return false, fmt.Errorf("%w: the model's classes are %q and %q: say which is the bad event, --bad %s "+
				"or --bad %s", assay.ErrInvalid, classes[0], classes[1], classes[0], classes[1])
		}
	}
	switch bad {
	case classes[1]:
		return false, nil
	case classes[0]:
		m.SwapClasses()
		return true, nil
	}
	return false, fmt.Errorf("%w: --bad %s: the model's classes are %q and %q", assay.ErrInvalid, bad, classes[0],
		classes[1])
}

// badByName is the class whose name says that it is the bad one, or empty.
func badByName(classes []string) string {
	switch a, b := strings.ToLower(classes[0]), strings.ToLower(classes[1]); {
	case (a == "0" || a == "-1") && b == "1", a == "false" && b == "true":
		return classes[1]
	case (b == "bad" || b == "default") != (a == "bad" || a == "default"):
		if a == "bad" || a == "default" {
			return classes[0]
		}
		return classes[1]
	}
	return ""
}

// SwapClasses makes m's margin that of the other class of two: the leaves, Init
// and the monotone directions change their sign; a share s becomes 1 - s.
func (m *Model) SwapClasses() {
	one := 0.0
	if m.Share {
		one = 1
	}
	m.Init = 0 - m.Init // no negative zero
	for i := range m.Trees {
		t := &m.Trees[i]
		for _, values := range [][]float64{t.LeafValue, t.NodeValue} {
			for j := range values {
				values[j] = one - values[j]
			}
		}
	}
	for i := range m.Features {
		m.Features[i].Monotone = -m.Features[i].Monotone
	}
	if len(m.Classes) == 2 {
		m.Classes = []string{m.Classes[1], m.Classes[0]}
	}
}
