// SPDX-License-Identifier: Apache-2.0

package plancheck

import (
	"fmt"
	"strings"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plantext"
	"github.com/assayrisk/assay/internal/nearest"
)

func (c checker) derived() error {
	s := c.s
	if len(s.Derived) > plantext.MaxDerived {
		return c.fail("$.derived", "", "%d derived values, at most %d are allowed", len(s.Derived), plantext.MaxDerived)
	}
	for i := range s.Derived {
		d, at := &s.Derived[i], fmt.Sprintf("$.derived[%d]", i)
		if !plantext.IsName(d.Name) || d.Name == plantext.EventTime {
			return c.fail(at+".name", "", "a derived value wants a name of 1 to %d bytes without spaces around it",
				assay.MaxNameBytes)
		}
		if s.FieldIndex(d.Name) >= 0 || s.DerivedIndex(d.Name) < i {
			return c.fail(at+".name", "give each a name of its own", "%q is declared twice", d.Name)
		}
		k, ok := kernels.Named(d.Kernel)
		if !ok || !k.Stateless() {
			return c.fail(at+".kernel", "the kernels are "+strings.Join(kernels.StatelessNames(), ", "),
				"%q is no kernel that computes a number from one event alone%s", d.Kernel,
				nearest.Hint(d.Kernel, kernels.StatelessNames()))
		}
		if len(d.Of) < k.MinInputs || len(d.Of) > k.MaxInputs {
			return c.fail(at+".of", "", "kernel %s wants %s, %d are given", d.Kernel, k.Arity(), len(d.Of))
		}
		for j, n := range d.Of {
			if err := c.derivedInput(&k, n, i, fmt.Sprintf("%s.of[%d]", at, j)); err != nil {
				return err
			}
		}
		if err := c.zone(d.Zone, at+".zone"); err != nil {
			return err
		}
		if len(d.Bounds) == 0 && k.Name == "clip" {
			return c.fail(at+".bounds", "a derived value learns nothing",
				"clip wants bounds: two numbers, low and high")
		}
		if k.Check != nil {
			if p := k.Check(d.Feature()); p != "" {
				return c.fail(at, "docs/plan.md shows an example of each kernel", "%s", p)
			}
		}
	}
	return nil
}

// derivedInput checks one input of derived value i.
func (c checker) derivedInput(k *kernels.Kernel, n string, i int, at string) error {
	s := c.s
	kind := assay.Number
	if f := s.FieldIndex(n); f >= 0 {
		kind = s.Fields[f].ValueKind()
	} else if n == plantext.EventTime {
		kind = assay.Instant
	} else if d := s.DerivedIndex(n); d < 0 || d >= i {
		return c.fail(at, "the fields are "+s.FieldList(),
			"%q names no field, and no derived value that is declared before%s", n, nearest.Hint(n, c.s.InputNames()))
	}
	if !k.AnyKind && (kind == assay.Text || k.Times != (kind == assay.Instant)) {
		return c.fail(at, "a date is read by days_between or date_part",
			"kernel %s does not take %q, which is a %s", k.Name, n, kind)
	}
	return nil
}
