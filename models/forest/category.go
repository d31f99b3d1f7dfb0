// SPDX-License-Identifier: Apache-2.0

package forest

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/assayrisk/assay/models"
)

// category is a categorical feature: classes of categories that no node tells
// apart, and the sets of classes that nodes test. Class 0 holds missing and
// negative values, and every category that is in no set.
type category struct {
	feature int32
	class   []int32  // per category code
	classes int      // number of classes
	sets    int      // number of distinct sets
	stride  int      // bytes of one class in outside
	outside []uint8  // bit s of class c is set when c is NOT in set s
	members [][]byte // per set, bit c of byte c/8 is set when class c is in it
}

// classOf is the class of a value.
func (c *category) classOf(v float64) int32 {
	if !(v > -1 && v < float64(len(c.class))) {
		return 0
	}
	return c.class[int(v)]
}

// chunks is the number of byte columns that tell the classes apart.
func (c *category) chunks() int { return (c.classes + maxCode - 2) / maxCode }

// inChunk is the code of a class in chunk j: 1 to chunk, or 0 when it is class 0
// or of another chunk.
func (c *category) inChunk(class, j int) uint8 {
	if k := class - j*maxCode; k >= 1 && k <= maxCode {
		return uint8(k)
	}
	return 0
}

// maxCategoryTable bounds the tables of one categorical feature, in bytes.
const maxCategoryTable = 1 << 28

var errCategories = errors.New("too many categories and categorical splits")

// categoryBuilder collects the sets of a model's categorical nodes.
type categoryBuilder struct {
	byFeature map[int32]int32
	features  []categorySets
}

type categorySets struct {
	feature int32
	sets    [][]uint32 // distinct, without trailing zero words
	bySet   map[string]int32
}

func newCategoryBuilder() *categoryBuilder { return &categoryBuilder{byFeature: map[int32]int32{}} }

// add notes the set of node j of t, and gives the numbers of its feature and
// of the set among the feature's.
func (b *categoryBuilder) add(t *models.Tree, j int) (cat, set int32) {
	f := t.Feature[j]
	cat, ok := b.byFeature[f]
	if !ok {
		cat = int32(len(b.features))
		b.byFeature[f] = cat
		b.features = append(b.features, categorySets{feature: f, bySet: map[string]int32{}})
	}
	s := int(t.Threshold[j])
	words := t.CatBits[t.CatBoundaries[s]:t.CatBoundaries[s+1]]
	for len(words) > 0 && words[len(words)-1] == 0 {
		words = words[:len(words)-1]
	}
	key := make([]byte, 0, 4*len(words))
	for _, w := range words {
		key = append(key, byte(w), byte(w>>8), byte(w>>16), byte(w>>24))
	}
	c := &b.features[cat]
	set, ok = c.bySet[string(key)]
	if !ok {
		set = int32(len(c.sets))
		c.bySet[string(key)] = set
		c.sets = append(c.sets, words)
	}
	return cat, set
}

func (b *categoryBuilder) build() ([]category, error) {
	out := make([]category, len(b.features))
	for i := range b.features {
		var err error
		if out[i], err = b.features[i].build(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// build splits the categories into classes, one set after another: the members of
// a class that are in the set move to a new class.
func (s *categorySets) build() (category, error) {
	codes := 0
	for _, w := range s.sets {
		codes = max(codes, 32*len(w))
	}
	class := make([]int32, codes)
	next := int32(1)
	moved := map[int32]int32{}
	for _, words := range s.sets {
		clear(moved)
		eachBit(words, func(k int) {
			to, ok := moved[class[k]]
			if !ok {
				to = next
				next++
				moved[class[k]] = to
			}
			class[k] = to
		})
	}
	// Classes that lost all their members leave gaps: number them anew.
	number := map[int32]int32{0: 0}
	for k, c := range class {
		n, ok := number[c]
		if !ok {
			n = int32(len(number))
			number[c] = n
		}
		class[k] = n
	}
	c := category{feature: s.feature, class: class, classes: len(number), sets: len(s.sets),
		stride: (len(s.sets) + 7) / 8}
	width := (c.classes + 7) / 8
	if int64(c.classes)*int64(c.stride) > maxCategoryTable || int64(c.sets)*int64(width) > maxCategoryTable {
		return c, fmt.Errorf("%w: feature %d has %d splits that tell %d classes of categories apart", errCategories,
			s.feature, c.sets, c.classes)
	}
	c.outside = make([]uint8, c.classes*c.stride)
	for i := range c.outside {
		c.outside[i] = 0xff
	}
	c.members = make([][]byte, c.sets)
	for i, words := range s.sets {
		c.members[i] = make([]byte, width)
		eachBit(words, func(k int) {
			n := class[k]
			c.members[i][n/8] |= 1 << (n % 8)
			c.outside[int(n)*c.stride+i/8] &^= 1 << (i % 8)
		})
	}
	return c, nil
}

// eachBit calls f with the number of each bit that is set.
func eachBit(words []uint32, f func(k int)) {
	for i, w := range words {
		for ; w != 0; w &= w - 1 {
			f(32*i + bits.TrailingZeros32(w))
		}
	}
}
