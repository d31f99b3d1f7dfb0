// SPDX-License-Identifier: Apache-2.0

package window

import "hash/maphash"

// index finds the place of a key in a Table: open addressing with linear
// probing, eight bytes a slot. With a million keys a look-up waits for memory three
// times (slot, key, state), and the processor can overlap these waits with those of
// other tables; a map of strings waits more often and takes several times the memory.
//
// The seed differs from run to run, so that nobody can choose keys that
// collide. No value and no snapshot depends on it.
type index struct {
	seed  maphash.Seed
	slots []slot // a power of two
	n     int    // keys
}

// slot is empty if place is 0.
type slot struct {
	tag   uint32 // of the key's hash; its low bits are the key's first slot
	place uint32 // of the key, plus 1
}

const minSlots = 8

func newIndex() index {
	return index{seed: maphash.MakeSeed(), slots: make([]slot, minSlots)}
}

func (x *index) tag(key []byte) uint32 { return uint32(maphash.Bytes(x.seed, key)) }

func (x *index) tagString(key string) uint32 { return uint32(maphash.String(x.seed, key)) }

// find returns the place of a key that has the given tag, -1 if the table
// does not have it. keys are in the order of places.
func (x *index) find(keys []keyState, key []byte, tag uint32) int32 {
	mask := uint32(len(x.slots) - 1)
	for i := tag & mask; ; i = (i + 1) & mask {
		s := x.slots[i]
		if s.place == 0 {
			return -1
		}
		if s.tag == tag && keys[s.place-1].name == string(key) {
			return int32(s.place - 1)
		}
	}
}

// insert adds a key that the index does not have.
func (x *index) insert(tag uint32, place int32) {
	if 4*(x.n+1) > 3*len(x.slots) {
		old := x.slots
		x.slots = make([]slot, 2*len(old))
		for _, s := range old {
			if s.place != 0 {
				x.put(s)
			}
		}
	}
	x.put(slot{tag, uint32(place) + 1})
	x.n++
}

func (x *index) put(s slot) {
	mask := uint32(len(x.slots) - 1)
	i := s.tag & mask
	for x.slots[i].place != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}

// remove takes a key out, and moves the keys after it back to where
// find looks for them (Knuth, The Art of Computer Programming 3, algorithm 6.4 R).
func (x *index) remove(tag uint32, place int32) {
	mask := uint32(len(x.slots) - 1)
	i := tag & mask
	for x.slots[i].place != uint32(place)+1 {
		i = (i + 1) & mask
	}
	for j := i; ; {
		j = (j + 1) & mask
		s := x.slots[j]
		if s.place == 0 {
			break
		}
		if (j-s.tag)&mask >= (j-i)&mask { // its first slot is not after i
			x.slots[i], i = s, j
		}
	}
	x.slots[i] = slot{}
	x.n--
}
