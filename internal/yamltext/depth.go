// SPDX-License-Identifier: Apache-2.0

package yamltext

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// openLevel is a block list or map that has not ended.
type openLevel struct {
	column int
	keys   int
}

// checkShape refuses texts that nest more than MaxDepth lists and maps: the parser
// calls itself for each, and keeps a path of that length for each node. It also
// refuses a block map of more than MaxKeys keys: the parser calls itself for each
// key, and copies those below. And it refuses more than one document: what the
// parser keeps of each grows with their number.
//
// Brackets count as they open and close. In between, each "-", "?" and key opens a
// level at its column, and closes those further to the right.
func checkShape(tokens token.Tokens) error {
	var levels []openLevel
	flow, marks := 0, 0
	for i, t := range tokens {
		switch t.Type {
		case token.DocumentHeaderType, token.DocumentEndType:
			if marks++; marks > 2 { // one before and one behind
				return errDocuments
			}
			levels = levels[:0]
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if flow > 0 {
				break
			}
			column := t.Position.Column
			if t.Type == token.MappingValueType {
				column = keyColumn(tokens, i)
			}
			for len(levels) > 0 && levels[len(levels)-1].column > column {
				levels = levels[:len(levels)-1]
			}
			if len(levels) == 0 || levels[len(levels)-1].column < column {
				levels = append(levels, openLevel{column: column})
			}
			if t.Type != token.SequenceEntryType {
				levels[len(levels)-1].keys++
			}
		}
		at := t.Position
		if flow+len(levels) > MaxDepth {
			return fmt.Errorf("[%d:%d] lists and maps are nested more than %d deep", at.Line, at.Column, MaxDepth)
		}
		if len(levels) > 0 && levels[len(levels)-1].keys > MaxKeys {
			return fmt.Errorf("[%d:%d] a map of more than %d lines: write it in braces", at.Line, at.Column, MaxKeys)
		}
	}
	return nil
}

// keyColumn returns the column of the key whose colon is tokens[i], where its
// anchor, alias or tag begins.
func keyColumn(tokens token.Tokens, i int) int {
	before := func(n int, kind token.Type) bool {
		return i >= n && tokens[i-n].Type == kind && tokens[i-n].Position.Line == tokens[i].Position.Line
	}
	if i == 0 || tokens[i-1].Position.Line != tokens[i].Position.Line {
		return tokens[i].Position.Column
	}
	i-- // the key
	for {
		switch {
		case before(1, token.TagType), before(1, token.AliasType):
			i--
		case before(2, token.AnchorType):
			i -= 2
		default:
			return tokens[i].Position.Column
		}
	}
}

// counter counts the nodes that a document stands for.
type counter struct {
	most    int
	anchors map[string]int // nodes under each; -1 while it is being counted
}

// checkExpansion refuses a text whose aliases and merges stand for too many values,
// or for themselves.
func (l Limits) checkExpansion(file *ast.File) error {
	total := 0
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		c := counter{most: l.Nodes, anchors: map[string]int{}}
		n, err := c.nodes(d.Body)
		if err != nil {
			return err
		}
		if total += n; total > l.Nodes {
			return fmt.Errorf("the text stands for more than %d values, at most %d are allowed", l.Nodes, l.Nodes)
		}
	}
	return nil
}

// nodes counts n and what it holds. Its depth is bounded: checkShape has seen
// the text.
func (c *counter) nodes(n ast.Node) (int, error) {
	sum := 1
	add := func(of ast.Node) error {
		if of == nil {
			return nil
		}
		k, err := c.nodes(of)
		if sum += k; err == nil && sum > c.most {
			at := n.GetToken().Position
			err = fmt.Errorf("[%d:%d] the text stands for more than %d values", at.Line, at.Column, c.most)
		}
		return err
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if err := add(v); err != nil {
				return sum, err
			}
		}
	case *ast.MappingValueNode:
		if err := add(n.Key); err != nil {
			return sum, err
		}
		return sum, add(n.Value)
	case *ast.MappingKeyNode:
		return sum, add(n.Value)
	case *ast.SequenceNode:
		for _, v := range n.Values {
			if err := add(v); err != nil {
				return sum, err
			}
		}
	case *ast.TagNode:
		return sum, add(n.Value)
	case *ast.AnchorNode:
		name := n.Name.GetToken().Value
		c.anchors[name] = -1
		err := add(n.Value)
		c.anchors[name] = sum
		return sum, err
	case *ast.AliasNode:
		at := n.GetToken().Position
		k, known := c.anchors[n.Value.GetToken().Value]
		switch {
		case !known:
			return sum, fmt.Errorf("[%d:%d] the alias stands for nothing above it", at.Line, at.Column)
		case k < 0:
			return sum, fmt.Errorf("[%d:%d] the alias stands for a value that it is in", at.Line, at.Column)
		}
		if sum += k; sum > c.most {
			return sum, fmt.Errorf("[%d:%d] the text stands for more than %d values", at.Line, at.Column, c.most)
		}
	}
	return sum, nil
}
