// SPDX-License-Identifier: Apache-2.0

package plancheck_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/assayrisk/assay/features/featurestest"
	"github.com/assayrisk/assay/features/plancheck"
	"github.com/assayrisk/assay/features/plantext"
)

// compiledSchema is the schema as an editor reads it.
func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	b, err := json.Marshal(plancheck.Schema())
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("plan.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("plan.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// document is a YAML text as a tree of JSON values.
func document(t *testing.T, text string) any {
	t.Helper()
	b, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// accepted reports whether a plan is read and holds every rule.
func accepted(text string) error {
	s, err := plantext.Decode([]byte(text))
	if err != nil {
		return err
	}
	return plancheck.Check(s)
}

// TestSchemaAccepts: the schema accepts plans that the checker accepts, where
// each value is written in the type of its key: plans by hand, those that ship,
// and random ones.
func TestSchemaAccepts(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	plans := map[string]string{
		"sound":               soundPlan,
		"event list":          strings.ReplaceAll(soundPlan, "on: [order, payment]", "events: [order, payment]"),
		"one input in a list": changed(t, "of: late, bounds", "of: [late], bounds"),
		"missing alone":       changed(t, "missing: [-1]", "missing: true"),
		"marks of every kind": changed(t, "missing: [-1]", "missing: [NA, -999, 1.5, true, null]"),
		"conditions": changed(t, "where: {field: amount, above: 0}",
			"where: [{field: amount, above: 0, at_most: 9}]"),
		"column as label": changed(t, "{event: default, match: [buyer], horizon: 180d}", "{column: bad}"),
	}
	for _, file := range []string{"../../datasets/scf/plan.yaml", "../../datasets/credit/plan.yaml"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plans[file] = string(b)
	}
	seeds := uint64(20)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		w := featurestest.Random(seed)
		plans[w.Name] = string(w.Spec.YAML())
	}
	for name, text := range plans {
		if err := accepted(text); err != nil {
			t.Errorf("%s: the checker refuses it: %v", name, err)
		}
		if err := schema.Validate(document(t, text)); err != nil {
			t.Errorf("%s: the schema refuses it: %v\n%s", name, err, text)
		}
	}
}

// TestSchemaRefuses: unknown keys, wrong types and unknown words are errors of
// the schema as they are of the checker.
func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	for _, c := range []struct{ old, replacement string }{
		{"name: orders", "title: orders"},
		{"kind: flag, required", "kind: flag, requird"},
		{"kernel: log1p", "kernal: log1p"},
		{"above: 0", "over: 0"},
		{"share: 0.01", "part: 0.01"},
		{"version: 1", "version: one"},
		{"entities: [buyer, seller]", "entities: {buyer: seller}"},
		{"min: 0, max: 1000", "min: low, max: 1000"},
		{"required: true", "required: [1]"},
		{"missing: [-1]", "missing: [[1]]"},
		{"bounds: [0, 5]", "bounds: [a, b]"},
		{"kind: flag", "kind: boolean"},
		{"outside: clip", "outside: cut"},
		{"late, kernel: days_between", "late, kernel: frequency"},
		{"calendar: year", "calendar: decade"},
		{"kernel: log1p", "kernel: log2"},
		{"monotone: increasing", "monotone: up"},
		{"part: weekday", "part: minute"},
		{"unknown: missing", "unknown: error"},
	} {
		text := changed(t, c.old, c.replacement)
		if accepted(text) == nil {
			t.Errorf("the checker accepts %s", c.replacement)
		}
		if schema.Validate(document(t, text)) == nil {
			t.Errorf("the schema accepts %s", c.replacement)
		}
	}
}

// TestSchemaRequires: a plan without a required key is refused by both.
func TestSchemaRequires(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	// Where a node of each type is in the sound plan: a section, and its first entry.
	sections := map[string]string{"FieldSpec": "fields", "FeatureSpec": "features", "GroupSpec": "groups",
		"WindowSpec": "windows", "LookupSpec": "lookups", "DerivedSpec": "derived"}
	for name, def := range plancheck.Schema()["$defs"].(map[string]any) {
		keys, _ := def.(map[string]any)["required"].([]string)
		for _, key := range keys {
			plan := document(t, soundPlan).(map[string]any)
			node := plan
			switch name {
			case "Spec":
			case "WhereSpec":
				node = first(plan, "windows")["where"].(map[string]any)
			case "OutlierSpec":
				node = plan["clean"].(map[string]any)["outliers"].(map[string]any)
			default:
				node = first(plan, sections[name])
			}
			if _, ok := node[key]; !ok {
				t.Fatalf("the sound plan has no %s of %s", key, name)
			}
			delete(node, key)
			if schema.Validate(plan) == nil {
				t.Errorf("the schema accepts a %s without %s", name, key)
			}
			b, err := json.Marshal(plan)
			if err != nil {
				t.Fatal(err)
			}
			if accepted(string(b)) == nil {
				t.Errorf("the checker accepts a %s without %s", name, key)
			}
		}
	}
}

// TestSchemaIsStricter: the reader takes a number for a text, a text of digits
// for a number, and nothing for an absent key; the schema asks for the type that
// the key has, so that an editor marks what may surprise.
func TestSchemaIsStricter(t *testing.T) {
	t.Parallel()
	schema := compiledSchema(t)
	for _, c := range []struct{ old, replacement string }{
		{`values: ["1", "2"]`, "values: [1, 2]"},
		{`length: "1"`, "length: 1"},
		{"name: orders", "name: 5"},
		{"name: orders", "name:"},
		{"bounds: [0, 5]", "bounds: [0, '5']"},
		{"fill: 0", "fill:"},
		{"outside: clip", "outside: ''"},
	} {
		text := changed(t, c.old, c.replacement)
		if err := accepted(text); err != nil {
			t.Errorf("the checker refuses %s: %v", c.replacement, err)
		}
		if schema.Validate(document(t, text)) == nil {
			t.Errorf("the schema accepts %s: say so in its comment", c.replacement)
		}
	}
}

// first is the first entry of a section of a plan.
func first(plan map[string]any, section string) map[string]any {
	return plan[section].([]any)[0].(map[string]any)
}

// TestSchemaIsANewValue: what a caller does to the schema changes no later one.
func TestSchemaIsANewValue(t *testing.T) {
	t.Parallel()
	a := plancheck.Schema()
	defs := a["$defs"].(map[string]any)
	if len(defs) < 10 {
		t.Errorf("%d definitions", len(defs))
	}
	maps.DeleteFunc(defs, func(string, any) bool { return true })
	if b := plancheck.Schema()["$defs"].(map[string]any); b["Spec"] == nil {
		t.Error("the schema shares its definitions with an earlier one")
	}
}
