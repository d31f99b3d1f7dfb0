// SPDX-License-Identifier: Apache-2.0

package scf

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/assayrisk/assay/internal/bitmath"
)

// Config says how large the world is. The zero value gives 100,000 events.
type Config struct {
	Seed   uint64
	Events int           // how many events the stream has; default 100,000
	Buyers int           // default Events/500, at least 40
	Start  time.Time     // default 2022-01-01T00:00:00Z
	Length time.Duration // over which the events spread, about; default two years
	Fraud  float64       // share of the orders that is fraudulent; default 0.01, negative: none
}

func (c Config) withDefaults() Config {
	if c.Events <= 0 {
		c.Events = 100_000
	}
	if c.Buyers <= 0 {
		c.Buyers = max(40, c.Events/500)
	}
	if c.Start.IsZero() {
		c.Start = time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if c.Length <= 0 {
		c.Length = 2 * 365 * 24 * time.Hour
	}
	if c.Fraud == 0 {
		c.Fraud = 0.01
	}
	c.Fraud = max(c.Fraud, 0)
	return c
}

const (
	day     = int64(86_400e6)
	sectors = 8
	// perOrder is how many events one order makes on average.
	perOrder = 4.4
)

// World is one run of the generator. It is used once, by one goroutine.
type World struct {
	cfg     Config
	rng     *rand.Rand
	now     int64 // microseconds since the Unix epoch
	queue   queue
	buyers  []*buyer
	sellers []*seller
	pairs   map[[2]int]*pair
	index   [sectors]float64
	numbers [3]int // orders, invoices, applications so far
	truths  []Truth
	out     emitter
}

// buyer is a company that orders.
type buyer struct {
	id      string
	n       int
	sector  int
	care    float64 // hidden: how carefully it pays; standard normal, higher is better
	size    float64 // amounts scale with it
	limit   float64 // credit limit, shown on applications
	every   float64 // days between orders, on average
	joined  int64
	sellers []int
	late    trail // days past due of its payments
	asked   trail // amounts of its applications
}

// seller is a company that delivers.
type seller struct {
	id   string
	n    int
	slop float64 // hidden: how sloppily it delivers, 0 to 1
}

// pair is a buyer and a seller who trade.
type pair struct {
	buyer    *buyer
	seller   *seller
	first    int64 // time of the first order
	invoiced trail
	credited trail // credit notes
}

// New prepares a world.
func New(cfg Config) *World {
	cfg = cfg.withDefaults()
	w := &World{
		cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 0x5cf)), now: cfg.Start.UnixMicro(), pairs: map[[2]int]*pair{},
	}
	length := cfg.Length.Microseconds()
	for i := range max(10, cfg.Buyers/2) {
		w.sellers = append(w.sellers,
			&seller{id: fmt.Sprintf("S-%05d", i), n: i, slop: float64(w.rng.Float64() * w.rng.Float64())})
	}
	// So many days between a buyer's orders that the events fill the length.
	every := float64(cfg.Length/(24*time.Hour)) * float64(cfg.Buyers) * perOrder / float64(cfg.Events)
	for i := range cfg.Buyers {
		b := &buyer{id: fmt.Sprintf("B-%05d", i), n: i, sector: w.rng.IntN(sectors), care: w.normal()}
		b.size = bitmath.Exp(float64(0.8*w.normal()) + 9)
		b.limit = roundTo(b.size*(4+float64(4*w.rng.Float64())), 1000)
		b.every = every * (0.5 + w.rng.Float64())
		if w.rng.IntN(4) == 0 { // a quarter joins later
			b.joined = int64(float64(length) * 0.8 * w.rng.Float64())
		}
		for range 2 + w.rng.IntN(5) {
			b.sellers = append(b.sellers, w.rng.IntN(len(w.sellers)))
		}
		w.buyers = append(w.buyers, b)
		w.push(w.now+b.joined+int64(w.exponential(b.every)*float64(day)), step{kind: stepOrder, buyer: b})
	}
	for s := range sectors {
		w.index[s] = w.normal()
		w.push(w.now+int64(s), step{kind: stepIndex, sector: s})
	}
	return w
}

// normal is a standard normal number, the sum of twelve uniform ones: its last
// bit is the same everywhere, which that of the library's is not.
func (w *World) normal() float64 {
	s := -6.0
	for range 12 {
		s += w.rng.Float64()
	}
	return s
}

// exponential has the given mean.
func (w *World) exponential(mean float64) float64 { return -mean * bitmath.Log(1-w.rng.Float64()) }

func (w *World) chance(p float64) bool { return w.rng.Float64() < p }

func (w *World) pairOf(b *buyer, s *seller) *pair {
	k := [2]int{b.n, s.n}
	if p := w.pairs[k]; p != nil {
		return p
	}
	p := &pair{buyer: b, seller: s, first: w.now}
	w.pairs[k] = p
	return p
}

func roundTo(x, step float64) float64 {
	return float64(int64(x/step+0.5)) * step
}

// cents rounds an amount to two places.
func cents(x float64) float64 { return float64(int64(float64(x*100)+0.5)) / 100 }

// trail sums values over a stretch of the past.
type trail struct {
	at  []int64
	x   []float64
	sum float64
}

func (t *trail) add(at int64, x float64) {
	t.at, t.x = append(t.at, at), append(t.x, x)
	t.sum += x
}

// since forgets what is older than from, and returns how many are left and
// their sum.
func (t *trail) since(from int64) (int, float64) {
	n := 0
	for n < len(t.at) && t.at[n] < from {
		t.sum -= t.x[n]
		n++
	}
	if n > 0 {
		t.at, t.x = append(t.at[:0], t.at[n:]...), append(t.x[:0], t.x[n:]...)
	}
	if len(t.at) == 0 {
		t.sum = 0
	}
	return len(t.at), t.sum
}
