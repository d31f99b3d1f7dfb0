// SPDX-License-Identifier: Apache-2.0

package snapshot

import (
	"errors"
	"fmt"
	"maps"
	"sync/atomic"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/features/window"
)

// ErrErased says that a row cannot be read because a party in its key was erased. Reader returns it, and so do calls
// that need the row, until Forget is told of the party.
var ErrErased = errors.New("the row of a window was erased")

// Reader reads the bytes of a stored row. It is called by several goroutines at once. An error that matches ErrErased
// says that the row's key is gone, as further on in the records one of its parties is erased; after any other error
// the state of the tables is unknown if they were being changed.
type Reader func(e *Entry) ([]byte, error)

// Tables are the window tables of a plan, with the rows that are not in memory. But for Cold and ColdRow.Open, one
// goroutine at a time may use them.
type Tables struct {
	tables    []*window.Table
	forgotten []forgotten // since the latest snapshot began
	taking    *Snapshot
	stored    atomic.Pointer[stored]
	cold      *coldSet // nil if all rows are in memory
	read      Reader
	lost      map[Name]bool // rows that could not be read: whether an event should have been added to it
}

// stored is what the latest snapshot has stored.
type stored struct {
	dir  *Directory
	upto []uint32 // by table: the erasures of which its rows are cleaned
}

// forgotten is a party that Forget was told of.
type forgotten struct {
	role  string
	party window.Party
}

// New returns tables all of whose rows are in memory.
func New(tables []*window.Table) *Tables {
	t := &Tables{tables: tables}
	t.stored.Store(&stored{NewDirectory(), make([]uint32, len(tables))})
	return t
}

// Restore makes the rows of a directory the rows of tables that are empty and have the directory's horizon. They are
// read when they are needed.
func (t *Tables) Restore(d *Directory, read Reader) error {
	for e := range d.All() {
		if e.Table >= len(t.tables) {
			return fmt.Errorf("the directory has a row of table %d, and the plan has %d: %w", e.Table, len(t.tables),
				assay.ErrPrecondition)
		}
	}
	s := &stored{d, make([]uint32, len(t.tables))}
	for i, table := range t.tables {
		s.upto[i] = table.Erasures()
		table.StoredUpTo(s.upto[i])
	}
	t.stored.Store(s)
	t.cold, t.read = newColdSet(d), read
	return nil
}

// Forget tells all tables of an erasure.
func (t *Tables) Forget(role string, p window.Party) {
	for _, table := range t.tables {
		table.Forget(role, p)
	}
	if t.taking != nil || t.stored.Load().dir.Len() > 0 { // else there is no stored row that may contain the party
		t.forgotten = append(t.forgotten, forgotten{role, p})
	}
}

// ColdRows returns how many rows are not in memory. Some of them may be dead or erased.
func (t *Tables) ColdRows() int {
	if t.cold == nil {
		return 0
	}
	return int(t.cold.left.Load())
}

// ColdRow is a row that is not in memory.
type ColdRow struct {
	entry Entry
	from  *stored
	read  Reader
	table *window.Table
	row   window.DecodedRow
	err   error
}

// Cold appends the row of a key to rows if it is not in memory. It is safe for concurrent use.
func (t *Tables) Cold(rows []ColdRow, table int, key []byte) []ColdRow {
	if t.cold == nil || !t.cold.has(table, key) {
		return rows
	}
	s := t.stored.Load()
	e := s.dir.Find(Name{table, string(key)})
	if e == nil {
		return rows
	}
	return append(rows, ColdRow{entry: *e, from: s, read: t.read, table: t.tables[table]})
}

// Open reads and decodes the row. It is safe for concurrent use. Warm and Open of Tables report its error where the
// row is needed.
func (r *ColdRow) Open() { r.row, r.err = open(r.read, &r.entry, r.table) }

func open(read Reader, e *Entry, table *window.Table) (window.DecodedRow, error) {
	b, err := readChecked(read, e)
	if err != nil {
		return window.DecodedRow{}, err
	}
	return table.DecodeRow(b)
}

// readChecked reads the bytes of a row and compares their hash with the directory's.
func readChecked(read Reader, e *Entry) ([]byte, error) {
	b, err := read(e)
	if err != nil {
		return nil, fmt.Errorf("reading a row of table %d: %w", e.Table, err)
	}
	if RowHash(e.Name, b) != e.Hash {
		return nil, fmt.Errorf("a stored row of table %d is not the one that its directory names: %w", e.Table,
			assay.ErrCorrupt)
	}
	return b, nil
}

// Warm puts rows into memory that Cold named and that were opened since. Rows that are there already, or were erased
// or moved in between, are left out; so are those that could not be opened.
func (t *Tables) Warm(rows []ColdRow) {
	for i := range rows {
		r := &rows[i]
		if s := t.stored.Load(); r.err == nil && s.upto[r.entry.Table] == r.from.upto[r.entry.Table] {
			t.install(&r.entry, r.row, s)
		}
	}
}

// install puts a row into memory, unless it is there, dead or erased.
func (t *Tables) install(e *Entry, row window.DecodedRow, s *stored) {
	switch {
	case !t.cold.has(e.Table, []byte(e.Key)):
	case t.wanted(e, s):
		t.tables[e.Table].InstallRow(e.Key, row, s.upto[e.Table])
		t.cold.takeOut(e.Name)
	default:
		t.dropUnwanted(e.Name)
	}
}

// dropUnwanted takes a row out that is dead or erased now, or lets the snapshot that is being taken do so later: it may
// contain the row, and have to clean it.
func (t *Tables) dropUnwanted(n Name) {
	if t.taking != nil && !t.taking.ended {
		t.taking.unwanted = append(t.taking.unwanted, n)
		return
	}
	t.cold.takeOut(n)
}

// wanted reports whether a row in storage is neither dead nor erased.
func (t *Tables) wanted(e *Entry, s *stored) bool {
	table := t.tables[e.Table]
	return e.DeadFrom > table.Horizon() && !table.KeyForgotten(e.Key, s.upto[e.Table])
}

// Open puts the row of a key into memory if it is not there; toAdd says that an event is about to be added to it. An
// error that matches ErrErased leaves the tables usable: the event must not be added to the row.
func (t *Tables) Open(table int, key []byte, toAdd bool) error {
	if t.cold == nil || !t.cold.has(table, key) {
		return nil
	}
	s := t.stored.Load()
	name := Name{table, string(key)}
	e := s.dir.Find(name)
	if e == nil || !t.wanted(e, s) {
		t.dropUnwanted(name)
		delete(t.lost, name)
		return nil
	}
	added, known := t.lost[name]
	if known {
		t.lost[name] = added || toAdd
		return errErased(name)
	}
	row, err := open(t.read, e, t.tables[table])
	if errors.Is(err, ErrErased) {
		if t.lost == nil {
			t.lost = map[Name]bool{}
		}
		t.lost[name] = toAdd
		return errErased(name)
	}
	if err != nil {
		return err
	}
	t.install(e, row, s)
	return nil
}

func errErased(n Name) error {
	return fmt.Errorf("table %d: %w: a party in its key is erased by a later record", n.Table, ErrErased)
}

// lostRow returns the error of a row that events were not added to because it could not be read, and that is not
// forgotten yet: then nobody can say what the tables hold.
func (t *Tables) lostRow() error {
	s := t.stored.Load()
	maps.DeleteFunc(t.lost, func(n Name, _ bool) bool {
		return t.tables[n.Table].KeyForgotten(n.Key, s.upto[n.Table])
	})
	for n, added := range t.lost {
		if added {
			return errErased(n)
		}
	}
	return nil
}

// OpenAll puts all rows into memory.
func (t *Tables) OpenAll() error {
	if t.cold == nil {
		return nil
	}
	for e := range t.stored.Load().dir.All() {
		if err := t.Open(e.Table, []byte(e.Key), false); err != nil {
			return err
		}
	}
	return nil
}
