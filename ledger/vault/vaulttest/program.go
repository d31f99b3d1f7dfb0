// SPDX-License-Identifier: Apache-2.0

// Package vaulttest is a program that keeps master keys, as docs/formats/keys.md asks, for tests: it runs in the test's
// own binary, keeps the keys in a file, and fails as it is told. It shares no code with package vault.
package vaulttest

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// asProgram is the first argument of a test's binary that is to be the program.
const asProgram = "keys-program"

// Main serves and ends the process if it was started by Program.Command. Call it first in TestMain.
func Main() {
	if len(os.Args) != 3 || os.Args[1] != asProgram {
		return
	}
	if err := Program(os.Args[2]).serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Program is the path of the file that the master keys are in.
type Program string

// Command starts the program.
func (p Program) Command() []string { return []string{os.Args[0], asProgram, string(p)} }

// A Fault is what the program does wrong.
type Fault string

// Faults.
const (
	Dies        Fault = "dies"         // ends without having done or answered anything
	DiesAfter   Fault = "dies after"   // does what it was asked, and ends without an answer
	Slow        Fault = "slow"         // answers after a fifth of a second
	Late        Fault = "late"         // answers after five seconds
	NoJSON      Fault = "no JSON"      // answers with another text
	Endless     Fault = "endless"      // answers with a line that does not end
	OtherID     Fault = "other id"     // answers another request
	Refuses     Fault = "refuses"      // answers that it cannot
	TooFew      Fault = "too few"      // leaves an item out
	Clear       Fault = "clear"        // encrypts nothing
	Malleable   Fault = "malleable"    // opens what was changed
	NoRotation  Fault = "no rotation"  // says that it has rotated, and has not
	Recoverable Fault = "recoverable"  // says that what it destroyed could be brought back
	StaysAlive  Fault = "stays alive"  // does not end with its standard input
	KeepsOld    Fault = "keeps old"    // says that it has destroyed, and has not
	TalksMuch   Fault = "talks much"   // writes to standard error, also without an end of a line
	Unnamed     Fault = "unnamed"      // does not name its master key
	Once              = Fault("once ") // before another: for one request
)

func (p Program) faultFile() string { return string(p) + ".fault" }

// Fail makes the program fail from its next request on; "" ends that.
func (p Program) Fail(f Fault) error {
	if f == "" {
		err := os.Remove(p.faultFile())
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return os.WriteFile(p.faultFile(), []byte(f), 0o600)
}

// fault returns how to fail this request.
func (p Program) fault() Fault {
	b, _ := os.ReadFile(p.faultFile())
	if rest, once := strings.CutPrefix(string(b), string(Once)); once {
		_ = os.Remove(p.faultFile())
		return Fault(rest)
	}
	return Fault(b)
}

// masters are the keys in the file; the last is the newest.
type masters struct {
	Made int      `json:"made"`
	Keys []master `json:"keys"`
}

type master struct {
	Name   string `json:"name"`
	Secret []byte `json:"secret"`
}

func (m *masters) add() {
	secret := make([]byte, 32)
	rand.Read(secret)
	m.Made++
	m.Keys = append(m.Keys, master{fmt.Sprintf("master-%d", m.Made), secret})
}

func (m *master) aead() cipher.AEAD {
	block, err := aes.NewCipher(m.Secret)
	if err != nil {
		panic(err) // the file was changed by hand
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return a
}

func (p Program) load() (m masters, err error) {
	b, err := os.ReadFile(string(p))
	if errors.Is(err, fs.ErrNotExist) {
		m.add()
		return m, p.save(&m)
	}
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	return m, err
}

func (p Program) save(m *masters) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := os.WriteFile(string(p)+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(string(p)+".new", string(p))
}

type question struct {
	Version int
	ID      uint64
	Op      string
	Items   [][]byte
	Keep    string
}

type answer struct {
	ID               uint64     `json:"id"`
	Error            string     `json:"error,omitempty"`
	Master           string     `json:"master"`
	Older            int        `json:"older"`
	Items            [][]byte   `json:"items,omitempty"`
	RecoverableUntil *time.Time `json:"recoverable_until,omitempty"`
}

func (p Program) serve() error {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 {
			if b, _ := os.ReadFile(p.faultFile()); string(b) == string(StaysAlive) {
				time.Sleep(time.Hour)
			}
			return nil
		}
		if err != nil {
			return err
		}
		var q question
		if err := json.Unmarshal(line, &q); err != nil {
			return err
		}
		if q.Version != 1 {
			return fmt.Errorf("version %d", q.Version)
		}
		fault := p.fault()
		before(fault)
		a, err := p.answer(&q, fault)
		if err != nil {
			return err
		}
		if fault == DiesAfter {
			os.Exit(4)
		}
		b, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if _, err := os.Stdout.Write(append(b, '\n')); err != nil {
			return err
		}
	}
}

// before fails in the ways that need no keys.
func before(f Fault) {
	switch f {
	case Dies:
		fmt.Fprintln(os.Stderr, "the device is gone")
		os.Exit(3)
	case Slow:
		time.Sleep(200 * time.Millisecond)
	case Late:
		time.Sleep(5 * time.Second)
	case NoJSON:
		fmt.Println("token initialised, OK")
	case Endless:
		for range 3 {
			fmt.Print(strings.Repeat("x", 1<<20))
		}
		time.Sleep(time.Hour)
	case TalksMuch:
		fmt.Fprint(os.Stderr, "one\n\n", strings.Repeat("y", 10_000))
	}
}

// answer does what it is asked.
func (p Program) answer(q *question, f Fault) (*answer, error) {
	m, err := p.load()
	if err != nil {
		return nil, err
	}
	if f == Refuses {
		return &answer{ID: q.ID, Error: "the token is locked: unlock it with its second card"}, nil
	}
	a := &answer{ID: q.ID}
	newest := func() *master { return &m.Keys[len(m.Keys)-1] }
	switch q.Op {
	case "wrap":
		for _, text := range q.Items {
			sealed := newest().aead().Seal(nil, nil, text, nil)
			if f == Clear || f == Malleable {
				sealed = mask(text, f)
			}
			a.Items = append(a.Items, sealed)
		}
	case "unwrap":
		for _, sealed := range q.Items {
			a.Items = append(a.Items, m.open(sealed, f))
		}
	case "rotate":
		if f != NoRotation {
			m.add()
		}
		err = p.save(&m)
	case "destroy":
		if q.Keep != newest().Name {
			a.Error = "another master key is the newest"
		} else if f != KeepsOld {
			m.Keys = m.Keys[len(m.Keys)-1:]
		}
		if f == Recoverable {
			until := time.Now().Add(7 * 24 * time.Hour)
			a.RecoverableUntil = &until
		}
		err = p.save(&m)
	}
	a.Master, a.Older = newest().Name, len(m.Keys)-1
	switch f {
	case OtherID:
		a.ID += 7
	case TooFew:
		a.Items = a.Items[:max(0, len(a.Items)-1)]
	case Unnamed:
		a.Master = ""
	}
	return a, err
}

// open opens what one of the keys has sealed; nil: none has.
func (m *masters) open(sealed []byte, f Fault) []byte {
	if f == Clear || f == Malleable {
		return mask(sealed, f)
	}
	for i := range m.Keys {
		if text, err := m.Keys[i].aead().Open(nil, nil, sealed, nil); err == nil {
			return text
		}
	}
	return nil
}

// mask stands for a cipher without authentication; for Clear there is none.
func mask(text []byte, f Fault) []byte {
	out := make([]byte, len(text))
	for i, c := range text {
		if f == Malleable {
			c ^= 0x5a
		}
		out[i] = c
	}
	return out
}
