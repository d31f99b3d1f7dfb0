// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"fmt"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/window"
)

// Snapshot is a snapshot of tables that is being taken, of the moment at which it began. Its calls come in this order;
// those in the left column need whatever protects the tables, and must not take long:
//
//	Begin
//	Step, Take ...          until Step is done; what Take returns is stored meanwhile
//	              Clean     what it returns is stored
//	End                     what it returns is stored
//	              Apply
//	Done
//
// Abandon ends it at any time.
type Snapshot struct {
	tables    *Tables
	before    *stored // the snapshot before
	walking   int     // the table that Step is at
	forgotten []forgotten
	upto      []uint32
	horizon   int64
	unwanted  []Name // rows in storage that nobody needs after the snapshot
	ended     bool
	dir       *Directory
}

// Begin begins a snapshot of the tables as they are now. The error matches assay.ErrPrecondition if there is one
// already, and ErrErased if an event could not be added to a row because it cannot be read: then there can be no
// snapshot before Forget is told of the party.
func (t *Tables) Begin() (*Snapshot, error) {
	if t.taking != nil {
		return nil, fmt.Errorf("a snapshot is being taken: end it first: %w", assay.ErrPrecondition)
	}
	if err := t.lostRow(); err != nil {
		return nil, err
	}
	s := &Snapshot{tables: t, before: t.stored.Load(), forgotten: t.forgotten}
	t.forgotten, t.taking = nil, s
	for _, table := range t.tables {
		s.upto, s.horizon = append(s.upto, table.Erasures()), table.Horizon()
		table.BeginRows()
	}
	return s, nil
}

// Step looks at rows of one table and writes up to so many of them. It reports whether the walk is done.
func (s *Snapshot) Step(rows int) (done bool) {
	t := s.tables.tables
	if s.walking < len(t) && !t[s.walking].WalkRows(rows) {
		s.walking++
	}
	return s.walking == len(t)
}

// Take returns the rows that were written since the last call, by Step or because they were about to change. A row may
// come twice, with the same bytes. The key of a row may have been erased since the snapshot began, so that it can be
// sealed no more; its entry is needed all the same.
func (s *Snapshot) Take() (rows []Row) {
	for i, table := range s.tables.tables {
		for _, r := range table.TakeRows() {
			rows = append(rows, Row{i, r})
		}
	}
	return rows
}

// Clean returns the rows in storage that contain a member who was erased before the snapshot began, without that
// member. It does nothing to the tables, and is called after Step is done and before End. Its error is the Reader's;
// after it, the snapshot must be abandoned.
func (s *Snapshot) Clean() (rows []Row, err error) {
	if len(s.forgotten) == 0 || s.tables.cold == nil {
		return nil, nil
	}
	members := s.filters(func(p window.Party) window.Filter { return window.MemberFilter(p.Member) })
	gone := map[forgottenMember]bool{}
	for _, f := range s.forgotten {
		gone[forgottenMember{f.role, f.party.Member}] = true
	}
	erased := s.isErased()
	for e := range s.before.dir.All() {
		if !members.mayMatch(e.Names) || !s.tables.cold.has(e.Table, []byte(e.Key)) || erased(e) {
			continue
		}
		b, err := readChecked(s.tables.read, e)
		if err != nil {
			return nil, err
		}
		b, names, err := s.tables.tables[e.Table].CleanRow(e.Key, b, func(role string, hash uint64) bool {
			return gone[forgottenMember{role, hash}]
		})
		if err != nil {
			return nil, err
		}
		if b != nil {
			rows = append(rows, Row{e.Table, window.Row{Key: e.Key, Bytes: b, DeadFrom: e.DeadFrom, Names: names}})
		}
	}
	return rows, nil
}

type forgottenMember struct {
	role string
	hash uint64
}

// filters are the filters of names.
type filters []window.Filter

// maxFilters bounds the names that each row is compared with; when there are more, all rows are looked at.
const maxFilters = 64

func (s *Snapshot) filters(of func(p window.Party) window.Filter) filters {
	if len(s.forgotten) > maxFilters {
		return filters{0}
	}
	var out filters
	for _, f := range s.forgotten {
		out = append(out, of(f.party))
	}
	return out
}

func (f filters) mayMatch(names window.Filter) bool {
	for _, x := range f {
		if names.May(x) {
			return true
		}
	}
	return false
}

// isErased returns a function that reports whether a row's key contains a party that was erased before the snapshot.
func (s *Snapshot) isErased() func(e *Entry) bool {
	parties, numbers := s.filters(func(p window.Party) window.Filter { return window.PartyFilter(p.Key) }),
		map[[16]byte]bool{}
	for _, f := range s.forgotten {
		numbers[f.party.Key] = true
	}
	return func(e *Entry) bool {
		if !parties.mayMatch(e.Names) {
			return false
		}
		for p := range s.tables.tables[e.Table].PartiesIn(e.Key) {
			if numbers[p] {
				return true
			}
		}
		return false
	}
}

// End ends the walk. It returns the last rows, as Take does.
func (s *Snapshot) End() []Row {
	rows := s.Take()
	for _, table := range s.tables.tables {
		table.EndRows()
	}
	s.endClean()
	return rows
}

func (s *Snapshot) endClean() {
	for _, n := range s.unwanted {
		s.tables.cold.takeOut(n)
	}
	s.unwanted, s.ended = nil, true
}

// Apply makes the directory of the snapshot, after End: changed are the entries of all rows that it returned, moved
// those of rows that have been stored anew at another place. The changes lead from the directory of the snapshot
// before to this one.
func (s *Snapshot) Apply(changed, moved []Entry) (*Directory, *Changes) {
	c := &Changes{Horizon: s.horizon, Changed: changed, Moved: moved}
	if len(s.forgotten) > 0 {
		erased := s.isErased()
		for e := range s.before.dir.All() {
			if erased(e) {
				c.Removed = append(c.Removed, e.Name)
			}
		}
	}
	s.dir = s.before.dir.Apply(c)
	return s.dir, c
}

// Done says that the rows and the directory of Apply are stored: rows that are not in memory are read from there from
// now on.
func (s *Snapshot) Done() {
	t := s.tables
	t.stored.Store(&stored{s.dir, s.upto})
	if t.cold != nil {
		for i, table := range t.tables {
			table.StoredUpTo(s.upto[i])
		}
	}
	t.taking = nil
}

// Abandon gives the snapshot up. The next one will contain all rows in memory.
func (s *Snapshot) Abandon() {
	t := s.tables
	s.endClean()
	for _, table := range t.tables {
		table.AbandonRows()
	}
	t.forgotten = append(s.forgotten, t.forgotten...)
	t.taking = nil
}
