// SPDX-License-Identifier: Apache-2.0

package scf

import "fmt"

// The planted patterns. Their label is Truth.Fraud; who defaults is decided as
// for any other application.
const (
	FraudDuplicate  = "duplicate"   // one invoice is offered twice, by two applications
	FraudNoReceipt  = "no_receipt"  // an invoice for goods that never came
	FraudBelowLimit = "below_limit" // an amount just below the buyer's limit
	FraudSurge      = "surge"       // a buyer without history applies for much in a few days
	FraudCircle     = "circle"      // three related parties sell round amounts to each other in turn
)

// fraud lets a buyer take part in one pattern, at random.
func (w *World) fraud(b *buyer) {
	s := w.sellers[b.sellers[w.rng.IntN(len(b.sellers))]]
	switch w.rng.IntN(5) {
	case 0:
		d := w.fake(b, s, cents(b.size*w.lognormal(0.6)), FraudDuplicate)
		w.later(2, step{kind: stepReceipt, deal: d})
		w.later(12+w.exponential(10), step{kind: stepApply, deal: d})
	case 1:
		d := w.fake(b, s, cents(b.size*w.lognormal(0.6)), FraudNoReceipt)
		d.received = 0
	case 2:
		d := w.fake(b, s, cents(b.limit*1.25), FraudBelowLimit)
		d.ask = cents(b.limit * (0.97 + float64(0.029*w.rng.Float64())))
		w.later(2, step{kind: stepReceipt, deal: d})
	case 3:
		n := len(w.buyers)
		fresh := &buyer{id: fmt.Sprintf("B-%05d", n), n: n, sector: w.rng.IntN(sectors), care: w.normal(), size: b.size,
			limit: b.limit, every: 1e6, sellers: b.sellers}
		w.buyers = append(w.buyers, fresh)
		for range 4 + w.rng.IntN(4) {
			d := w.fake(fresh, s, cents(fresh.size*2*w.lognormal(0.3)), FraudSurge)
			w.later(1, step{kind: stepReceipt, deal: d})
		}
	default:
		w.circle(b)
	}
}

// fake starts a deal whose invoice and application follow at once.
func (w *World) fake(b *buyer, s *seller, amount float64, label string) *deal {
	d := w.newDeal(b, s, amount)
	d.fraud, d.received, d.invoiced = label, amount, amount
	w.numbers[1]++
	d.invoice = fmt.Sprintf("I-%07d", w.numbers[1])
	d.due = w.now + (3+60)*day
	w.later(3, step{kind: stepInvoice, deal: d})
	w.later(4+w.rng.Float64(), step{kind: stepApply, deal: d})
	return d
}

// circle lets three companies sell the same round amount to each other.
func (w *World) circle(b *buyer) {
	amount := roundTo(b.size*3, 1000) + 1000
	var ring [3]*seller
	for i := range ring {
		ring[i] = w.sellers[w.rng.IntN(len(w.sellers))]
	}
	for i := range ring {
		n := len(w.buyers)
		from := &buyer{id: ring[i].id, n: n, sector: b.sector, care: 0, size: b.size, limit: b.limit,
			every: 1e6, sellers: b.sellers}
		w.buyers = append(w.buyers, from)
		d := w.fake(from, ring[(i+1)%3], amount, FraudCircle)
		w.later(1, step{kind: stepReceipt, deal: d})
	}
}
