// SPDX-License-Identifier: Apache-2.0

package yamltext

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// checkDepth refuses texts that nest more than MaxDepth lists and maps: the
// parser calls itself for each, and keeps a path of that length for each node.
//
// Brackets count as they open and close. In between, each "-", "?" and key
// opens a level at its column, and closes those that stood to the right of it.
func checkDepth(tokens token.Tokens) error {
	var columns []int // of the block levels that are open
	flow := 0
	for i, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(flow-1, 0)
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
			if flow > 0 {
				break
			}
			at := t.Position.Column
			if t.Type == token.MappingValueType && i > 0 && tokens[i-1].Position.Line == t.Position.Line {
				at = tokens[i-1].Position.Column // the key's
			}
			for len(columns) > 0 && columns[len(columns)-1] >= at {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, at)
		}
		if flow+len(columns) > MaxDepth {
			at := t.Position
			return fmt.Errorf("[%d:%d] lists and maps are nested more than %d deep", at.Line, at.Column, MaxDepth)
		}
	}
	return nil
}

// counter counts the nodes that a document stands for.
type counter struct {
	most    int
	anchors map[string]int // nodes under each; -1 while it is being counted
}

// expand refuses a text whose aliases and merges stand for too many values, or
// for themselves.
func (l Limits) expand(file *ast.File) error {
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

// nodes counts n and what it holds. Its depth is bounded: checkDepth has seen
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
