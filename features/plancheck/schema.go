// SPDX-License-Identifier: Apache-2.0

package plancheck

import (
	"reflect"
	"strings"

	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/plantext"
)

// enums lists the words that a key takes, by "Type.key".
func enums() map[string][]string {
	parts := kernels.DateParts()
	return map[string][]string{
		"FieldSpec.kind": {"number", "text", "flag", "time"}, "FieldSpec.outside": {"reject",
			"missing", "clip", "flag"},
		"DerivedSpec.kernel": kernels.StatelessNames(), "DerivedSpec.part": parts,
		"WindowSpec.calendar": eventtime.Units,
		"FeatureSpec.kernel":  kernels.Names(), "FeatureSpec.monotone": {"increasing", "decreasing"},
		"FeatureSpec.part": parts, "FeatureSpec.unknown": {"other", "missing"},
	}
}

// required lists the keys that a node must have, by its type.
func required() map[string][]string {
	return map[string][]string{
		"Spec": {"version", "fields", "features"}, "FieldSpec": {"name"}, "FeatureSpec": {"name"},
		"GroupSpec":  {"name", "code", "text"},
		"WindowSpec": {"name", "key", "length"}, "LookupSpec": {"name"}, "DerivedSpec": {"name", "kernel", "of"},
		"WhereSpec": {"field"}, "OutlierSpec": {"share"},
	}
}

// Schema returns the JSON Schema (draft 2020-12) of a plan's YAML, for editors
// that complete and check while one types. The file features/plan.schema.json
// holds it. It knows keys, types and words, not the rules between them, and it is
// stricter than the reader in one respect: a text of digits needs its quotes.
//
// Each call makes a new value.
func Schema() map[string]any {
	defs := map[string]any{}
	schemaOf(reflect.TypeFor[plantext.Spec](), defs)
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Assay feature plan",
		"$ref": "#/$defs/Spec", "$defs": defs,
	}
}

// schemaOf is the schema of a type; it puts the schemas of structs into defs and
// refers to them.
func schemaOf(t reflect.Type, defs map[string]any) map[string]any {
	switch {
	case t == reflect.TypeFor[plantext.Names]():
		one := map[string]any{"type": "string"}
		return map[string]any{"oneOf": []any{one, map[string]any{"type": "array", "items": one}}}
	case t == reflect.TypeFor[plantext.MissingSpec]():
		item := map[string]any{"type": []any{"string", "number", "boolean", "null"}}
		return map[string]any{"oneOf": []any{map[string]any{"type": "boolean"},
			map[string]any{"type": "array", "items": item}}}
	case t == reflect.TypeFor[plantext.Conditions]():
		one := schemaOf(reflect.TypeFor[plantext.WhereSpec](), defs)
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
