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
//	[0, short)            one for each short source: missing values left, or right when rightOnly;
//	                      those from marked on need no mark of what is missing, and of these
//	                      those before wide have few thresholds
//	[short, short+both)   missing values right, for the sources [0, both), which have both columns
//	then                  the columns of long sources, of more than chunk thresholds
//	then                  one for each set of each categorical feature (codes of one vector),
//	                      or one for each chunk of classes of each (codes of a block)
type encoder struct {
	sources []source
	search  []search // of the short sources
	short   int      // sources [0, short) have at most chunk thresholds
	both    int
	marked  int     // sources [0, marked) say what is missing
	wide    int     // sources [marked, wide) have at most few thresholds
	right   []uint8 // per marked source: 255 when rightOnly, else 0
	long    [][]placed
	place   []int32 // per column of the compilation
	numeric int     // number of places of numerical columns
	cats    []category
	setAt   []int // per categorical feature: the place of its first set
	width   int   // places of one vector, at least 1
	classAt []int // per categorical feature: the place of its first class column
	lines   int   // places of a block
}

// placed is a column and its place.
type placed struct {
	column
	at int
}

// search is a source as the two-level search wants it: table[0:16] holds every
// sixteenth threshold, table[16:272] the thresholds, both filled up with +Inf.
// table[272:280] holds every eighth of the first 64, which does for few thresholds.
type search struct {
	offset uintptr // of the feature in a vector, in bytes
	table  *[280]float64
	zero   float64 // values of at most this magnitude are missing; -1 for none
	keep   uint64  // all ones when NaN is missing, 0 when it is read as 0
	plain  uint64  // 1 when zero and keep change nothing
}

// few is the number of thresholds up to which two levels of eight do.
const few = 63

func newEncoder(c *columns) *encoder {
	e := &encoder{cats: c.cats, place: make([]int32, len(c.columns))}
	e.order(c)
	e.right = make([]uint8, (e.marked+7)/8*8)
	e.numeric = e.short + e.both
	e.long = make([][]placed, len(e.sources))
	at := make(map[int32]int, len(e.sources)) // old number of a source -> new
	for i := range e.sources {
		at[e.sources[i].number] = i
	}
	for i, col := range c.columns {
		s := at[col.source]
		switch {
		case s >= e.short:
			e.place[i] = int32(e.numeric)
			e.long[s] = append(e.long[s], placed{col, e.numeric})
			e.numeric++
		case !col.right:
			e.place[i] = int32(s)
		case s < e.both:
			e.place[i] = int32(e.short + s)
		default:
			e.place[i] = int32(s)
			e.right[s] = 255
		}
	}
	for i := range e.sources[:e.short] {
		e.search = append(e.search, newSearch(&e.sources[i]))
	}
	e.width, e.lines = e.numeric, e.numeric
	for i := range c.cats {
		e.setAt, e.classAt = append(e.setAt, e.width), append(e.classAt, e.lines)
		e.width += 8 * c.cats[i].stride
		e.lines += c.cats[i].chunks()
	}
	e.width = max(e.width, 1)
	return e
}

// order sorts the sources: short ones with two columns, other short ones whose
// missing values must be told from others, the rest of the short ones, those of few
// thresholds first, long ones.
func (e *encoder) order(c *columns) {
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
			case len(s.thresholds) > chunk:
				kind = 4
			case sides[i][0] && sides[i][1]:
				kind = 0
			case sides[i][1] || s.missing == models.MissingZero:
				kind = 1
			case len(s.thresholds) <= few:
				kind = 2
			}
			if kind == pass {
				s.number = int32(i)
				e.sources = append(e.sources, s)
			}
		}
		switch pass {
		case 0:
			e.both = len(e.sources)
		case 1:
			e.marked = len(e.sources)
		case 2:
			e.wide = len(e.sources)
		case 3:
			e.short = len(e.sources)
		}
	}
}

func newSearch(s *source) search {
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
	out := search{offset: uintptr(s.feature) * 8, table: t, zero: -1, keep: math.MaxUint64}
	switch s.missing {
	case models.MissingNone:
		out.keep = 0
	case models.MissingZero:
		out.zero = models.ZeroThreshold
	default:
		out.plain = 1
	}
	return out
}

// at gives the place and bound of a split among the codes of one vector.
func (e *encoder) at(s split) (place int, bound uint8) {
	if s.set < 0 {
		return int(e.place[s.column]), s.bound
	}
	return e.setAt[s.cat] + int(s.set), 0
}

// encode writes the codes of the columns for x; codes and missing are scratch of at least
// width + 64 and short + 64 bytes.
func (e *encoder) encode(codes, missing []uint8, x []float64) {
	rank(codes, missing, unsafe.Pointer(&x[0]), 0, e.search, 1, e.marked)
	rankFew(codes[e.marked:], unsafe.Pointer(&x[0]), e.search[e.marked:e.wide])
	rankUnmarked(codes[e.wide:], unsafe.Pointer(&x[0]), e.search[e.wide:])
	for i := 0; i < e.both; i += 8 {
		v := binary.LittleEndian.Uint64(codes[i:]) | binary.LittleEndian.Uint64(missing[i:])
		binary.LittleEndian.PutUint64(codes[e.short+i:], v)
	}
	for i := e.both &^ 7; i < len(e.right); i += 8 {
		if i+8 > e.marked { // the last few one by one: other columns follow
			for j := max(i, e.both); j < e.marked; j++ {
				codes[j] |= missing[j] & e.right[j]
			}
			break
		}
		v := binary.LittleEndian.Uint64(codes[i:]) | binary.LittleEndian.Uint64(missing[i:])&binary.LittleEndian.Uint64(
			e.right[i:])
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

// sets writes the codes of the categorical features' sets, after those of the
// columns. Only the walk reads them.
func (e *encoder) sets(codes []uint8, x []float64) {
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
			rankColumn(to, missing, unsafe.Pointer(&rows[0]), uintptr(f)*8, &e.search[i], n)
			continue
		}
		rank(to, missing, unsafe.Pointer(&rows[0]), uintptr(f)*8, e.search[i:], 0, n)
		if i < e.both {
			extra := lines[(e.short+i)*blockRows:]
			for k := 0; k < blockRows; k += 8 {
				binary.LittleEndian.PutUint64(extra[k:],
					binary.LittleEndian.Uint64(to[k:])|binary.LittleEndian.Uint64(missing[k:]))
			}
		} else if e.right[i] != 0 {
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
