// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/assayrisk/assay"
	pb "github.com/assayrisk/assay/serving/assayv1"
)

// oddRequests are encodings that the protobuf specification allows or forbids, and
// that generated code does not write.
func oddRequests(t testing.TB) [][]byte {
	t.Helper()
	b := sampleRequest(t)
	m := new(pb.ScoreRequest)
	if err := m.UnmarshalVT(b); err != nil {
		t.Fatal(err)
	}
	event, err := m.Event.MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	nested := func(num protowire.Number, v []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), v)
	}
	number := func(num protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
	}
	fixed := func(num protowire.Number, v uint64) []byte {
		return protowire.AppendFixed64(protowire.AppendTag(nil, num, protowire.Fixed64Type), v)
	}
	group := func(num protowire.Number, v []byte) []byte {
		return protowire.AppendTag(append(protowire.AppendTag(nil, num, protowire.StartGroupType), v...), num,
			protowire.EndGroupType)
	}
	// with is a request whose event has one more field of such bytes; at is one
	// whose additional field has a time of such bytes.
	with := func(field ...[]byte) []byte {
		return nested(2, slices.Concat(event, nested(5, slices.Concat(field...))))
	}
	at := func(time ...[]byte) []byte { return with(nested(1, []byte("at")), nested(5, slices.Concat(time...))) }
	long := func(num protowire.Number, typ protowire.Type) []byte { // a tag in five bytes
		tag := protowire.AppendTag(nil, num, typ)
		return append(append(tag[:len(tag)-1:len(tag)-1], tag[len(tag)-1]|0x80), 0x80, 0x80, 0x80, 0)
	}
	return [][]byte{
		b,
		slices.Concat(b, b), // the last scalar wins, events are merged
		slices.Concat(b, nested(2, nil)), slices.Concat(nested(2, nil), b),
		slices.Concat(b, nested(1, []byte("again")), nested(3, nil)),
		slices.Concat(b, number(99, 7)), slices.Concat(b, fixed(99, 7)), slices.Concat(b, nested(99, b)),
		slices.Concat(b, group(99, b)), slices.Concat(b, group(99, group(1, nil))),
		slices.Concat(b, protowire.AppendTag(nil, 99, protowire.StartGroupType)),
		slices.Concat(b, protowire.AppendTag(nil, 99, protowire.EndGroupType)), slices.Concat(b, group(2, event)),
		slices.Concat(b, number(1, 1)), slices.Concat(b, number(2, 1)), slices.Concat(b, []byte{0, 0}),
		slices.Concat(b, []byte{7}), slices.Concat(b, []byte{6}),
		nested(2, slices.Concat(event, nested(3, number(1, 5)))), // times are merged
		nested(2, slices.Concat(event, nested(3, nil))),
		nested(2, slices.Concat(event, nested(1, []byte("e2")), nested(2, nil))),
		nested(2, slices.Concat(event, nested(4, slices.Concat(nested(1, []byte("a")), nested(1, []byte("b")))))),
		nested(2, slices.Concat(event, nested(4, nil))),
		nested(2, slices.Concat(event, nested(4, number(7, 1)))),
		nested(2, slices.Concat(event, nested(4, number(1, 1)))),
		with(), with(nested(1, []byte("n"))), with(nested(3, nil), nested(1, []byte("n"))), with(nested(1, []byte("n")),
			nested(1, []byte("m")), fixed(2, 1)),
		with(fixed(2, 1), nested(3, []byte("x"))), with(nested(3, []byte("x")), fixed(2, 1)),
		with(number(4, 1), number(4, 0)), with(number(4, 1<<63)), with(number(4, 1<<32)),
		// no packed doubles here
		with(fixed(2, 0)), with(nested(2, []byte("12345678"))),
		with(protowire.AppendFixed32(protowire.AppendTag(nil, 2, protowire.Fixed32Type), 1)),
		with(fixed(2, 0x7ff0000000000001)), with(nested(1, []byte("n")), nested(6, nil), fixed(2, 1)),
		with(group(3, nil)),
		// one time in two parts
		with(nested(5, number(1, 1)), nested(5, number(2, 1000))), with(nested(5, number(1, 1)), fixed(2, 1),
			nested(5, number(2, 1000))),
		at(), at(number(1, 1), number(1, 2)), at(number(2, 1<<32|5)), at(number(2, 1<<31)), at(number(1, 1<<63)),
		at(number(1, 253402300800)), at(number(3, 1)), at(nested(1, nil)),
		slices.Concat(long(1, protowire.BytesType), []byte{1, 'r'}, nested(2, event)),
		slices.Concat(b, protowire.AppendVarint(nil, (1<<29)<<3|2), []byte{0}),
		slices.Concat(b, protowire.AppendVarint(nil, (1<<32+1)<<3|2), []byte{1, 'r'}),
		// a varint of more than 64 bits
		slices.Concat(b, []byte{99 << 3 & 0x7f, 6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}),
		nested(1, []byte("a\xffb")), slices.Concat(b, nested(1, []byte("\xff"))),
		slices.Concat(b, nested(1, []byte("\xff")), nested(1, []byte("r"))), with(nested(1, []byte("\xc3"))),
		with(nested(3, []byte("\xed\xa0\x80"))),
		b[:len(b)-1], nil, nested(2, event[:len(event)-1]), {0x0a}, {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f}, {0x0a, 0x80},
		{0x12, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
	}
}

// againstProto compares a decoded row with the result of proto.Unmarshal, which
// accepted the same bytes.
func againstProto(t *testing.T, got *Request, want *pb.ScoreRequest) {
	t.Helper()
	var ev assay.Event
	werr := ReadEvent(&ev, want.Event)
	if (werr == nil) != (got.Err == nil) {
		t.Fatalf("of a message that proto.Unmarshal takes, ReadEvent says %v, the reader %v", werr, got.Err)
	}
	if werr == nil && (got.ID != want.RequestId || got.Model != want.Model || !same(&ev, &got.Event)) {
		t.Errorf("proto.Unmarshal and the reader differ: %v and %+v", want, got)
	}
}

// wrongType reports whether the generated decoder refused a field of the schema for
// its wire type. To proto.Unmarshal such a field is an unknown one.
func wrongType(err error) bool { return err != nil && strings.Contains(err.Error(), "wrong wireType") }

// valid reports whether all strings of a decoded request are UTF-8.
// proto.Unmarshal refuses others at once, Event.Validate and the check of the
// request id later.
func valid(r *Request) bool {
	ok := utf8.ValidString(r.ID) && utf8.ValidString(r.Model) && utf8.ValidString(r.Event.ID) &&
		utf8.ValidString(r.Event.Kind)
	for _, x := range r.Event.Entities {
		ok = ok && utf8.ValidString(x.Role) && utf8.ValidString(x.ID)
	}
	for _, x := range r.Event.Fields {
		ok = ok && utf8.ValidString(x.Name) && utf8.ValidString(x.Value.Text())
	}
	return ok
}

// FuzzRequestProto: the reader accepts whatever proto.Unmarshal accepts, and reads
// the same from it.
func FuzzRequestProto(f *testing.F) {
	for _, b := range oddRequests(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var got Request
		err := got.Unmarshal(b)
		m := new(pb.ScoreRequest)
		perr := proto.Unmarshal(b, m)
		switch {
		case perr == nil && wrongType(err):
		case perr == nil && err != nil:
			t.Fatalf("proto.Unmarshal takes what the reader refuses: %v", err)
		case perr == nil:
			againstProto(t, &got, m)
		}
		// decodeFast accepts nothing but well-formed messages.
		var fast Request
		if perr != nil && fast.decodeFast(string(b)) && valid(&fast) && onceEach(b) {
			t.Errorf("decodeFast accepts what proto.Unmarshal refuses: %v", perr)
		}
	})
}

// onceEach reports whether every scalar of a message occurs at most once. Of two,
// only the last is decoded, and proto.Unmarshal may refuse the first.
func onceEach(b []byte) bool {
	m := new(pb.ScoreRequest)
	if m.UnmarshalVT(b) != nil {
		return false
	}
	n, err := m.MarshalVT()
	return err == nil && len(n) == len(b)
}

// FuzzBatchProto is FuzzRequestProto for batches.
func FuzzBatchProto(f *testing.F) {
	row := func(b []byte) []byte { return protowire.AppendBytes([]byte{1<<3 | wireBytes}, b) }
	odd := oddRequests(f)
	for i, b := range odd {
		f.Add(row(b))
		f.Add(slices.Concat(row(odd[0]), row(b), b))
		f.Add(slices.Concat(row(b), row(odd[(i+1)%len(odd)]), []byte{0x12, 2, 0x0a, 0}))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var rows []*Request
		got := Batch{Next: func() *Request { rows = append(rows, new(Request)); return rows[len(rows)-1] }}
		err := got.Unmarshal(b)
		m := new(pb.ScoreBatchRequest)
		if proto.Unmarshal(b, m) != nil || wrongType(err) {
			return
		}
		if err != nil || got.Rows != len(m.Rows) || len(rows) != len(m.Rows) || (got.Arrow == nil) != (m.Arrow == nil) {
			t.Fatalf("proto.Unmarshal takes %d rows, the reader %d of them: %v", len(m.Rows), got.Rows, err)
		}
		if m.Arrow != nil && (m.Arrow.RequestId != got.Arrow.RequestId || !bytes.Equal(m.Arrow.Ipc, got.Arrow.Ipc)) {
			t.Errorf("the Arrow batches differ")
		}
		for i, r := range rows {
			againstProto(t, r, m.Rows[i])
		}
	})
}
