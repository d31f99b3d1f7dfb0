// SPDX-License-Identifier: Apache-2.0

package plantext

import "encoding/json"

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
