// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/assayrisk/assay/models"
)

// encoder makes the codes of vectors. Its places, in order:
//
//	[0, short)               one for each short source: missing values left, or right where
//	                         rightMask is set; sources from marked on need no mark of missing
//	                         values, and of these the ones before fewEnd have few thresholds
//	[short, short+twoSided)  missing values right, for the sources [0, twoSided), which have
//	                         two columns
//	then                     the columns of long sources, with more than maxCode thresholds
//	then                     one for each set of each categorical feature (codes of one vector),
//	                         or one for each chunk of its classes (codes of a block)
type encoder struct {
	sources     []source
	tables      []rankTable // of the short sources
	short       int         // sources [0, short) have at most maxCode thresholds
	twoSided    int
	marked      int     // sources [0, marked) say what is missing
	fewEnd      int     // sources [marked, wide) have at most few thresholds
	rightMask   []uint8 // per marked source: 255 when it has only the column that sends missing values right
	long        [][]placedColumn
	place       []int32 // per column of the compilation
	numeric     int     // number of places of numerical columns
	cats        []category
	setAt       []int // per categorical feature: the place of its first set
	width       int   // places of one vector, at least 1
	classAt     []int // per categorical feature: the place of its first class column
	blockPlaces int   // places of a block
}

// placedColumn is a column and its place.
type placedColumn struct {
	column
	at int
}

// rankTable is a source in the form that the two-level search reads: table[0:16]
// holds every sixteenth threshold, table[16:272] the thresholds, both filled up
// with +Inf. table[272:280] holds every eighth of the first 64, for sources with
// few thresholds.
type rankTable struct {
	offset      uintptr // of the feature in a vector, in bytes
	table       *[280]float64
	zero        float64 // values of at most this magnitude are missing; -1 for none
	keepMissing uint64  // all ones when NaN is missing, 0 when it is read as 0
	plain       uint64  // 1 when zero and keep change nothing
}

// fewThresholds is the number of thresholds up to which two levels of eight are
// enough.
const fewThresholds = 63

func newEncoder(c *columns) *encoder {
	e := &encoder{cats: c.cats, place: make([]int32, len(c.columns))}
	e.orderSources(c)
	e.rightMask = make([]uint8, (e.marked+7)/8*8)
	e.numeric = e.short + e.twoSided
	e.long = make([][]placedColumn, len(e.sources))
	at := make(map[int32]int, len(e.sources)) // old number of a source -> new
	for i := range e.sources {
		at[e.sources[i].number] = i
	}
	for i, col := range c.columns {
		s := at[col.source]
		switch {
		case s >= e.short:
			e.place[i] = int32(e.numeric)
			e.long[s] = append(e.long[s], placedColumn{col, e.numeric})
			e.numeric++
		case !col.right:
			e.place[i] = int32(s)
		case s < e.twoSided:
			e.place[i] = int32(e.short + s)
		default:
			e.place[i] = int32(s)
			e.rightMask[s] = 255
		}
	}
	for i := range e.sources[:e.short] {
		e.tables = append(e.tables, newRankTable(&e.sources[i]))
	}
	e.width, e.blockPlaces = e.numeric, e.numeric
	for i := range c.cats {
		e.setAt, e.classAt = append(e.setAt, e.width), append(e.classAt, e.blockPlaces)
		e.width += 8 * c.cats[i].stride
		e.blockPlaces += c.cats[i].chunks()
	}
	e.width = max(e.width, 1)
	return e
}

// orderSources sorts the sources: short ones with two columns, other short ones whose
// missing values must be told from others, the rest of the short ones, those of few
// thresholds first, long ones.
func (e *encoder) orderSources(c *columns) {
	sides := make([][2]bool, len(c.sources))
	for _, col := range c.columns {
		k := 0
		if col.right {
			k = 1
		}
		sides[col.source][k] = true
	}
	for pass := range 5 {
		for i, s := range c.sources {
			kind := 3
			switch {
			case len(s.thresholds) > maxCode:
				kind = 4
			case sides[i][0] && sides[i][1]:
				kind = 0
			case sides[i][1] || s.missing == models.MissingZero:
				kind = 1
			case len(s.thresholds) <= fewThresholds:
				kind = 2
			}
			if kind == pass {
				s.number = int32(i)
				e.sources = append(e.sources, s)
			}
		}
		switch pass {
		case 0:
			e.twoSided = len(e.sources)
		case 1:
			e.marked = len(e.sources)
		case 2:
			e.fewEnd = len(e.sources)
		case 3:
			e.short = len(e.sources)
		}
	}
}

func newRankTable(s *source) rankTable {
	t := new([280]float64)
	for i := range t {
		t[i] = math.Inf(1)
	}
	copy(t[16:], s.thresholds)
	for i := range 16 {
		t[i] = t[16+16*i+15]
	}
	for i := range 8 {
		t[272+i] = t[16+8*i+7]
	}
	out := rankTable{offset: uintptr(s.feature) * 8, table: t, zero: -1, keepMissing: math.MaxUint64}
	switch s.missing {
	case models.MissingNone:
		out.keepMissing = 0
	case models.MissingZero:
		out.zero = models.ZeroThreshold
	default:
		out.plain = 1
	}
	return out
}

// placeOf gives the place and bound of a split among the codes of one vector.
func (e *encoder) placeOf(s split) (place int, bound uint8) {
	if s.set < 0 {
		return int(e.place[s.column]), s.bound
	}
	return e.setAt[s.cat] + int(s.set), 0
}

// encode writes the codes of the columns for x. codes and missing are scratch
// memory of at least width + 64 and short + 64 bytes.
func (e *encoder) encode(codes, missing []uint8, x []float64) {
	rank(codes, missing, unsafe.Pointer(&x[0]), 0, e.tables, 1, e.marked)
	rankFew(codes[e.marked:], unsafe.Pointer(&x[0]), e.tables[e.marked:e.fewEnd])
	rankUnmarked(codes[e.fewEnd:], unsafe.Pointer(&x[0]), e.tables[e.fewEnd:])
	for i := 0; i < e.twoSided; i += 8 {
		v := binary.LittleEndian.Uint64(codes[i:]) | binary.LittleEndian.Uint64(missing[i:])
		binary.LittleEndian.PutUint64(codes[e.short+i:], v)
	}
	for i := e.twoSided &^ 7; i < len(e.rightMask); i += 8 {
		if i+8 > e.marked { // the last few one by one: other columns follow
			for j := max(i, e.twoSided); j < e.marked; j++ {
				codes[j] |= missing[j] & e.rightMask[j]
			}
			break
		}
		v := binary.LittleEndian.Uint64(codes[i:]) | binary.LittleEndian.Uint64(missing[i:])&binary.LittleEndian.Uint64(
			e.rightMask[i:])
		binary.LittleEndian.PutUint64(codes[i:], v)
	}
	for i := e.short; i < len(e.sources); i++ {
		s := &e.sources[i]
		v := s.value(x[s.feature])
		r := s.rank(v)
		for _, c := range e.long[i] {
			codes[c.at] = c.code(r, v != v)
		}
	}
}

// encodeSets writes the codes of the categorical features' sets, after those of the
// columns. Only the walk reads them.
func (e *encoder) encodeSets(codes []uint8, x []float64) {
	for i := range e.cats {
		c := &e.cats[i]
		row := int(c.classOf(x[c.feature])) * c.stride
		to := codes[e.setAt[i]:]
		for k, bits := range c.outside[row : row+c.stride] {
			binary.LittleEndian.PutUint64(to[8*k:], spread[bits])
		}
	}
}

// spread[b] has bit i of b in byte i.
var spread = func() (t [256]uint64) {
	for b := range t {
		for i := range 8 {
			t[b] |= uint64(b>>i&1) << (8 * i)
		}
	}
	return t
}()

// encodeBlock writes the codes of n vectors of f features, column by column:
// the code of vector r at place p is lines[p*blockRows+r].
func (e *encoder) encodeBlock(lines, missing []uint8, rows []float64, f, n int) {
	for i := range e.short {
		to := lines[i*blockRows : (i+1)*blockRows]
		if i >= e.marked {
			rankColumn(to, missing, unsafe.Pointer(&rows[0]), uintptr(f)*8, &e.tables[i], n)
			continue
		}
		rank(to, missing, unsafe.Pointer(&rows[0]), uintptr(f)*8, e.tables[i:], 0, n)
		if i < e.twoSided {
			extra := lines[(e.short+i)*blockRows:]
			for k := 0; k < blockRows; k += 8 {
				binary.LittleEndian.PutUint64(extra[k:],
					binary.LittleEndian.Uint64(to[k:])|binary.LittleEndian.Uint64(missing[k:]))
			}
		} else if e.rightMask[i] != 0 {
			for k := 0; k < blockRows; k += 8 {
				binary.LittleEndian.PutUint64(to[k:],
					binary.LittleEndian.Uint64(to[k:])|binary.LittleEndian.Uint64(missing[k:]))
			}
		}
	}
	for i := e.short; i < len(e.sources); i++ {
		s := &e.sources[i]
		for k := range n {
			v := s.value(rows[k*f+int(s.feature)])
			r := s.rank(v)
			for _, c := range e.long[i] {
				lines[c.at*blockRows+k] = c.code(r, v != v)
			}
		}
	}
	for i := range e.cats {
		c := &e.cats[i]
		for k := range n {
			class := int(c.classOf(rows[k*f+int(c.feature)]))
			for j := range c.chunks() {
				lines[(e.classAt[i]+j)*blockRows+k] = c.inChunk(class, j)
			}
		}
	}
}
