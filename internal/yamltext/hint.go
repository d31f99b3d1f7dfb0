// SPDX-License-Identifier: Apache-2.0

package yamltext

import (
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/assayrisk/assay/internal/nearest"
)

// hint suggests the key that was most likely meant by an unknown one, among those
// that are allowed at its place; "" for other errors. to is what was decoded into.
func hint(message string, at *token.Token, file *ast.File, to any) string {
	quoted, ok := strings.CutPrefix(message, `unknown field "`)
	if !ok || at == nil || at.Position == nil {
		return ""
	}
	key := strings.TrimSuffix(quoted, `"`)
	for _, d := range file.Docs {
		if known := knownKeysAt(d.Body, reflect.TypeOf(to), key, at.Position); known != nil {
			return nearest.Hint(key, known)
		}
	}
	return ""
}

// knownKeysAt returns the keys of the struct that the unknown key at a position was
// decoded into; nil if the key is not under n, which was decoded into a t.
func knownKeysAt(n ast.Node, t reflect.Type, key string, at *token.Position) []string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil {
		return nil
	}
	if _, list := n.(*ast.SequenceNode); !list && t.Kind() == reflect.Slice { // one value in place of a list
		return knownKeysAt(n, t.Elem(), key, at)
	}
	switch n := n.(type) {
	case *ast.AnchorNode:
		return knownKeysAt(n.Value, t, key, at)
	case *ast.TagNode:
		return knownKeysAt(n.Value, t, key, at)
	case *ast.SequenceNode:
		if t.Kind() != reflect.Slice {
			return nil
		}
		for _, v := range n.Values {
			if known := knownKeysAt(v, t.Elem(), key, at); known != nil {
				return known
			}
		}
	case *ast.MappingNode:
		for _, v := range n.Values {
			if known := knownKeysAt(v, t, key, at); known != nil {
				return known
			}
		}
	case *ast.MappingValueNode:
		return knownKeysOfPair(n, t, key, at)
	}
	return nil
}

// knownKeysOfPair is knownKeysAt for one key with its value.
func knownKeysOfPair(n *ast.MappingValueNode, t reflect.Type, key string, at *token.Position) []string {
	switch t.Kind() {
	case reflect.Map:
		return knownKeysAt(n.Value, t.Elem(), key, at)
	case reflect.Struct:
		name := n.Key.GetToken()
		fields := fieldsOf(t)
		if of, ok := fields[name.Value]; ok {
			return knownKeysAt(n.Value, of, key, at)
		}
		if name.Value == key &&
			(samePlace(name.Position, at) || n.Value != nil && samePlace(n.Value.GetToken().Position, at)) {
			known := make([]string, 0, len(fields))
			for i := range t.NumField() { // in the order of the struct
				if name := keyOf(t.Field(i)); name != "" {
					known = append(known, name)
				}
			}
			return known
		}
	}
	return nil
}

func samePlace(a, b *token.Position) bool { return a.Line == b.Line && a.Column == b.Column }

// fieldsOf returns the types of a struct's fields by their keys.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		if name := keyOf(t.Field(i)); name != "" {
			out[name] = t.Field(i).Type
		}
	}
	return out
}

// keyOf is the key of a struct's field, "" for one that is not read.
func keyOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	switch {
	case !f.IsExported() || name == "-":
		return ""
	case name == "":
		return strings.ToLower(f.Name)
	}
	return name
}
