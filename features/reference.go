// SPDX-License-Identifier: Apache-2.0

package features

import (
	"fmt"
	"reflect"
	"strings"
)

// KernelReference writes the table of kernels as Markdown. docs/plan.md holds
// it between two markers; TestPlanReference compares them.
func KernelReference() string {
	var b strings.Builder
	for _, part := range []struct {
		title string
		want  func(k *kernel) bool
	}{
		{"Kernels over numbers", func(k *kernel) bool { return !k.text && !k.times && !k.window && !k.lookup }},
		{"Kernels over times", func(k *kernel) bool { return k.times }},
		{"Kernels over texts", func(k *kernel) bool { return k.text }},
		{"Kernels over tables", func(k *kernel) bool { return k.lookup }},
		{"Kernels over windows", func(k *kernel) bool { return k.window }},
	} {
		fmt.Fprintf(&b, "### %s\n\n| kernel | inputs | value | when an input is missing | parameters | example "+
			"|\n|---|---|---|---|---|---|\n", part.title)
		for _, k := range kernels() {
			if !part.want(&k) {
				continue
			}
			in := arity(&k)
			switch {
			case k.needsMember:
				in = "a window with a member"
			case k.needsValue:
				in = "a window with a value"
			case k.window:
				in = "a window"
			}
			cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | `%s` |\n", k.name, in, cell(k.formula), k.missing,
				k.params, cell(k.example))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// enums lists the values of keys that take one of a few words.
func enums() map[string][]string {
	parts := make([]string, len(dateParts))
	for i := range dateParts {
		parts[i] = dateParts[i].name
	}
	return map[string][]string{
		"FieldSpec.kind": {"number", "text", "flag", "time"}, "FieldSpec.outside": {"reject",
			"missing", "clip", "flag"},
		"DerivedSpec.kernel": statelessNames(), "DerivedSpec.part": parts, "WindowSpec.calendar": calendarUnits,
		"FeatureSpec.kernel": kernelNames(), "FeatureSpec.monotone": {"increasing", "decreasing"},
		"FeatureSpec.part": parts, "FeatureSpec.unknown": {"other", "missing"},
	}
}

// required lists the keys that each node of a spec must have.
func required() map[string][]string {
	return map[string][]string{
		"Spec": {"version", "fields", "features"}, "FieldSpec": {"name"}, "FeatureSpec": {"name"},
		"GroupSpec":  {"name", "code", "text"},
		"WindowSpec": {"name", "key", "length"}, "LookupSpec": {"name"}, "DerivedSpec": {"name", "kernel", "of"},
		"WhereSpec": {"field"}, "OutlierSpec": {"share"},
	}
}

// Schema returns the JSON Schema (draft 2020-12) of a plan's YAML, for editors
// that complete and check while one types. plan.schema.json holds it.
func Schema() map[string]any {
	defs := map[string]any{}
	schemaOf(reflect.TypeFor[Spec](), defs)
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Assay feature plan",
		"$ref": "#/$defs/Spec", "$defs": defs,
	}
}

func schemaOf(t reflect.Type, defs map[string]any) map[string]any {
	switch {
	case t == reflect.TypeFor[Names]():
		one := map[string]any{"type": "string"}
		return map[string]any{"oneOf": []any{one, map[string]any{"type": "array", "items": one}}}
	case t == reflect.TypeFor[MissingSpec]():
		item := map[string]any{"type": []any{"string", "number", "boolean", "null"}}
		return map[string]any{"oneOf": []any{map[string]any{"type": "boolean"},
			map[string]any{"type": "array", "items": item}}}
	case t == reflect.TypeFor[Conditions]():
		one := schemaOf(reflect.TypeFor[WhereSpec](), defs)
		return map[string]any{"oneOf": []any{one, map[string]any{"type": "array", "items": one}}}
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem(), defs)
	case t.Kind() == reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem(), defs)}
	case t.Kind() == reflect.Struct:
		ref := map[string]any{"$ref": "#/$defs/" + t.Name()}
		if _, ok := defs[t.Name()]; ok {
			return ref
		}
		props := map[string]any{}
		defs[t.Name()] = map[string]any{"type": "object", "additionalProperties": false, "properties": props}
		if r := required()[t.Name()]; r != nil {
			defs[t.Name()].(map[string]any)["required"] = r
		}
		for i := range t.NumField() {
			key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
			if key == "" {
				continue
			}
			s := schemaOf(t.Field(i).Type, defs)
			if e := enums()[t.Name()+"."+key]; e != nil {
				s["enum"] = e
			}
			props[key] = s
		}
		return ref
	case t.Kind() == reflect.String:
		return map[string]any{"type": "string"}
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t.Kind() == reflect.Int:
		return map[string]any{"type": "integer"}
	}
	return map[string]any{"type": "number"}
}
