// SPDX-License-Identifier: Apache-2.0

package features

import (
	"encoding/binary"
	"slices"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/eventtime"
	"github.com/assayrisk/assay/features/kernels"
	"github.com/assayrisk/assay/features/window"
)

// windowState is what a window must keep for the features that read it.
type windowState struct {
	needs  window.Needs
	recent int
}

// config describes window i to package window; plancheck.Check has checked it.
func (p *Plan) config(i int) window.Config {
	w := &p.spec.Windows[i]
	length, hop, offset, _ := w.Shape()
	halfLife, _ := eventtime.ParseSpan(w.HalfLife)
	c := window.Config{
		Length: length, Hop: hop, Offset: offset, Needs: p.reads[i].needs, Recent: p.reads[i].recent,
		Members: w.Members, Samples: w.Samples, HalfLife: halfLife,
	}
	if m := p.feeds[i].member; m.role {
		c.MemberRole = m.name
	}
	if w.Calendar != "" {
		c.Calendar = &eventtime.Calendar{Unit: w.Calendar, Zone: p.zones[w.Zone]}
	}
	return c
}

// keyKind is the composition of a key, with the windows that have such a key: they
// share one table.
type keyKind struct {
	parts   []keyPart
	windows []int   // indices into the spec's windows
	fed     [][]int // by kind of event: the windows that it feeds
	derives bool    // one of the windows reads a derived value
}

// fedBy lists the windows that a kind of event feeds.
func (k *keyKind) fedBy(kind int) []int {
	if uint(kind) < uint(len(k.fed)) {
		return k.fed[kind]
	}
	return nil
}

// keyPart is one element of a key: a role, or a text field.
type keyPart struct {
	name  string
	role  bool
	field *field // nil: a role
}

// windowRead is one feature of a window.
type windowRead struct {
	slot    int
	learned *kernels.Learned
	read    func(r *window.Reading, at int64, l *kernels.Learned) float64
}

// compileWindows assigns the windows to tables, one for each kind of key.
func (p *Plan) compileWindows() {
	s := p.spec
	for i := range s.Windows {
		w := &s.Windows[i]
		f := feed{spec: w, on: p.kinds.intern(w.On...), member: p.keyPart(w.Member)}
		parts := make([]keyPart, len(w.Key))
		for j, k := range w.Key {
			parts[j] = p.keyPart(k)
		}
		f.table = slices.IndexFunc(p.keys, func(k keyKind) bool { return slices.Equal(k.parts, parts) })
		if f.table < 0 {
			f.table = len(p.keys)
			p.keys = append(p.keys, keyKind{parts: parts})
		}
		f.place = len(p.keys[f.table].windows)
		k := &p.keys[f.table]
		k.windows = append(k.windows, i)
		k.derives = p.compileFeed(&f) || k.derives
		p.feeds = append(p.feeds, f)
	}
	p.reads = make([]windowState, len(s.Windows))
	for _, st := range p.steps {
		if !st.kernel.Window {
			continue
		}
		f := st.learned.Spec
		i := s.WindowIndex(f.Window)
		p.feeds[i].features = append(p.feeds[i].features, windowRead{st.out, st.learned, st.kernel.Read})
		p.reads[i].needs |= st.kernel.Needs
		if st.kernel.Recent != nil {
			p.reads[i].recent = max(p.reads[i].recent, st.kernel.Recent(f))
		}
	}
	for t := range p.keys {
		k := &p.keys[t]
		k.fed = make([][]int, len(p.kinds))
		for _, i := range k.windows {
			for kind := range p.kinds {
				if p.feeds[i].on.has(kind) && len(p.feeds[i].features) > 0 {
					k.fed[kind] = append(k.fed[kind], i)
				}
			}
		}
	}
}

func (p *Plan) keyPart(name string) keyPart {
	k := keyPart{name: name, role: slices.Contains(p.spec.Entities, name)}
	if i, ok := p.byName[name]; ok && !k.role {
		k.field = &p.fields[i]
	}
	return k
}

// keyOf appends a key's canonical form: each part's length and bytes. It
// returns nil if the event lacks a part. With parties, a role's part is the
// number of its party.
func (k *keyKind) keyOf(dst []byte, ev *assay.Event, parties []Party) []byte {
	for _, part := range k.parts {
		if part.role && parties != nil {
			party, ok := partyOf(ev, parties, part.name)
			if !ok {
				return nil
			}
			dst = append(binary.AppendUvarint(dst, uint64(len(party.Key))), party.Key[:]...)
			continue
		}
		id := part.idIn(ev)
		if id == "" {
			return nil
		}
		dst = binary.AppendUvarint(dst, uint64(len(id)))
		dst = append(dst, id...)
	}
	return dst
}

// roles says which parts of a key are roles.
func (k *keyKind) roles() []bool {
	out := make([]bool, len(k.parts))
	for i, part := range k.parts {
		out[i] = part.role
	}
	return out
}

// memberOf returns the hash of the member that an event has; ok is false if it has none.
func (k keyPart) memberOf(ev *assay.Event, parties []Party) (hash uint64, ok bool) {
	if k.role && parties != nil {
		party, ok := partyOf(ev, parties, k.name)
		if !ok {
			return 0, false
		}
		return party.Member, true
	}
	id := k.idIn(ev)
	if id == "" {
		return 0, false
	}
	return window.Hash(id), true
}

func (k keyPart) idIn(ev *assay.Event) string {
	if k.role {
		return ev.Entity(k.name)
	}
	v, _ := ev.Field(k.name)
	if text := v.Text(); !k.field.MeansMissing(text) {
		return text
	}
	return ""
}
