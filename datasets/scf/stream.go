// SPDX-License-Identifier: Apache-2.0

package scf

import (
	"container/heap"
	"fmt"
	"iter"
	"time"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/internal/bitmath"
)

// deal is one order and what follows from it.
type deal struct {
	pair     *pair
	order    string
	invoice  string
	ordered  float64
	received float64
	invoiced float64
	due      int64
	ask      float64 // amount of the application; 0: a share of the invoice
	fraud    string
	settled  bool // an application has decided how the invoice ends
	defaults bool
}

// emitter hands events out.
type emitter struct {
	ev    assay.Event
	yield func(*assay.Event) bool
	n     int
	done  bool
}

// Events is the stream, in the order of its times. An event is valid until the
// next one is asked for.
func (w *World) Events() iter.Seq[*assay.Event] {
	return func(yield func(*assay.Event) bool) {
		w.out.yield = yield
		for !w.out.done && w.queue.Len() > 0 {
			s := heap.Pop(&w.queue).(step)
			w.now = s.at
			w.take(s)
		}
	}
}

// take lets one step happen.
func (w *World) take(s step) {
	switch s.kind {
	case stepOrder:
		w.order(s.buyer)
	case stepReceipt:
		w.emit("receipt", s.deal, number("amount", s.deal.received))
	case stepInvoice:
		s.deal.pair.invoiced.add(w.now, s.deal.invoiced)
		w.emit("invoice", s.deal, number("amount", s.deal.invoiced), instant("due", s.deal.due))
	case stepApply:
		w.apply(s.deal)
	case stepPay:
		late := max(0, float64((w.now-s.deal.due)/day))
		s.deal.pair.buyer.late.add(w.now, late)
		w.emit("payment", s.deal, number("amount", s.amount), number("days_past_due", late))
	case stepDispute:
		w.emit("dispute", s.deal, number("amount", s.deal.invoiced))
	case stepCredit:
		s.deal.pair.credited.add(w.now, s.amount)
		w.emit("credit_note", s.deal, number("amount", s.amount))
	case stepDefault:
		w.emit("default", s.deal, number("amount", s.amount))
	case stepIndex:
		w.index[s.sector] = float64(0.95*w.index[s.sector]) + float64(0.31*w.normal())
		w.emit("index", nil, text("sector", sectorName(s.sector)), number("level", cents(w.index[s.sector])))
		w.index[s.sector] = cents(w.index[s.sector])
		w.later(7, s)
	}
}

// order starts a deal and plans the next order of the buyer.
func (w *World) order(b *buyer) {
	w.later(w.exponential(b.every), step{kind: stepOrder, buyer: b})
	if w.chance(w.cfg.Fraud) {
		w.fraud(b)
		return
	}
	s := w.sellers[b.sellers[w.rng.IntN(len(b.sellers))]]
	if w.chance(0.05) {
		s = w.sellers[w.rng.IntN(len(w.sellers))]
	}
	d := w.newDeal(b, s, cents(b.size*w.lognormal(0.6)))
	d.received = d.ordered
	if w.chance(0.05 + float64(0.3*s.slop)) { // a short delivery
		d.received = cents(d.ordered * (1 - float64(0.3*w.rng.Float64())))
	}
	d.invoiced = d.received
	if w.chance(0.02 + float64(0.2*s.slop)) { // billed as ordered all the same
		d.invoiced = d.ordered
	}
	received := 1 + w.exponential(6)
	w.later(received, step{kind: stepReceipt, deal: d})
	w.bill(d, received+w.exponential(2))
}

// newDeal emits the order.
func (w *World) newDeal(b *buyer, s *seller, amount float64) *deal {
	w.numbers[0]++
	d := &deal{pair: w.pairOf(b, s), order: fmt.Sprintf("O-%07d", w.numbers[0]), ordered: amount}
	w.emit("order", d, number("amount", amount))
	return d
}

// bill plans the invoice, and what becomes of it, days from now.
func (w *World) bill(d *deal, days float64) {
	w.numbers[1]++
	d.invoice = fmt.Sprintf("I-%07d", w.numbers[1])
	terms := []int64{30, 45, 60, 90}[w.rng.IntN(4)]
	at := w.now + int64(days*float64(day))
	d.due = at + terms*day
	w.later(days, step{kind: stepInvoice, deal: d})
	if w.chance(0.55) {
		w.later(days+1+w.exponential(3), step{kind: stepApply, deal: d})
		return
	}
	w.settle(d)
}

// settle plans how an invoice ends that does not default.
func (w *World) settle(d *deal) {
	b, s, amount := d.pair.buyer, d.pair.seller, d.invoiced
	if w.chance(0.02 + float64(0.15*s.slop)) {
		w.later(5+w.exponential(8), step{kind: stepDispute, deal: d})
		cut := cents(amount * float64(0.4*w.rng.Float64()))
		if cut > 0 {
			w.later(20+w.exponential(8), step{kind: stepCredit, deal: d, amount: cut})
			amount = cents(amount - cut)
		}
	}
	delay := -2 + w.normal() - float64(2*b.care) // days about the due date
	if w.chance(0.15) {
		delay += float64(w.exponential(12) * (1.2 - float64(0.5*min(max(b.care, -2), 2))))
	}
	w.later(max(1, float64(d.due-w.now)/float64(day)+delay), step{kind: stepPay, deal: d, amount: amount})
}

// apply emits the application, and decides its fate by the true probability.
func (w *World) apply(d *deal) {
	w.numbers[2]++
	b := d.pair.buyer
	amount := cents(d.invoiced * (0.7 + float64(0.2*w.rng.Float64())))
	if d.ask > 0 {
		amount = d.ask
	}
	collateral := cents(amount * float64(1.5*w.rng.Float64()*w.rng.Float64()))
	t := w.truth(d, amount, collateral)
	t.ID = fmt.Sprintf("A-%07d", w.numbers[2])
	t.Default = w.chance(t.PD)
	if d.settled { // an invoice that is offered again ends as the first time
		t.Default = d.defaults
	}
	b.asked.add(w.now, amount)
	w.truths = append(w.truths, t)
	w.emitAs(t.ID, "application", d, number("amount", amount), number("invoice_amount", d.invoiced),
		number("limit", b.limit),
		number("collateral", collateral), instant("due", d.due), text("sector", sectorName(b.sector)))
	switch {
	case d.settled:
	case t.Default:
		d.defaults = true
		w.later(float64(d.due-w.now)/float64(day)+30, step{kind: stepDefault, deal: d, amount: amount})
	default:
		w.settle(d)
	}
	d.settled = true
}

func (w *World) lognormal(sigma float64) float64 { return bitmath.Exp(float64(sigma * w.normal())) }

func sectorName(s int) string {
	return [sectors]string{"agriculture", "automotive", "chemicals", "construction", "electronics", "food",
		"retail", "textiles"}[s]
}

func number(name string, x float64) assay.Field {
	return assay.Field{Name: name, Value: assay.NumberValue(x)}
}

func text(name, s string) assay.Field { return assay.Field{Name: name, Value: assay.TextValue(s)} }

func instant(name string, us int64) assay.Field {
	return assay.Field{Name: name, Value: assay.InstantValue(time.UnixMicro(us))}
}

func (w *World) emit(kind string, d *deal, fields ...assay.Field) {
	w.emitAs(fmt.Sprintf("E-%08d", w.out.n), kind, d, fields...)
}

func (w *World) emitAs(id, kind string, d *deal, fields ...assay.Field) {
	o := &w.out
	if o.done || o.n >= w.cfg.Events {
		o.done = true
		return
	}
	o.n++
	o.ev.ID, o.ev.Kind, o.ev.Time = id, kind, time.UnixMicro(w.now).UTC()
	o.ev.Entities = o.ev.Entities[:0]
	if d != nil {
		o.ev.Entities = append(o.ev.Entities, assay.Entity{Role: "buyer", ID: d.pair.buyer.id},
			assay.Entity{Role: "seller", ID: d.pair.seller.id}, assay.Entity{Role: "order", ID: d.order})
		if d.invoice != "" && kind != "receipt" {
			o.ev.Entities = append(o.ev.Entities, assay.Entity{Role: "invoice", ID: d.invoice})
		}
	}
	o.ev.Fields = append(o.ev.Fields[:0], fields...)
	if !o.yield(&o.ev) {
		o.done = true
	}
}
