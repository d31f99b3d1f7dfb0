// SPDX-License-Identifier: Apache-2.0

package nearest

import (
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	t.Parallel()
	columns := []string{"Income", "Amount", "invoice_amount", "MonthsInJob", "Age", "Price"}
	for _, c := range []struct{ given, want string }{
		{"income", "Income"}, {"Incmoe", "Income"}, {"Incom", "Income"}, {"INVOICE-AMOUNT", "invoice_amount"},
		{"invoiceAmount", "invoice_amount"},
		{"months_in_job", "MonthsInJob"}, {"ages", "Age"}, {"Prcie", "Price"}, {"amuont", "Amount"},
		{"Income", ""}, {"seniority", ""}, {"x", ""}, {"", ""}, {"Expenses", ""}, {strings.Repeat("a", 1000), ""},
	} {
		if got := Find(c.given, columns); got != c.want {
			t.Errorf("Word(%q) = %q, want %q", c.given, got, c.want)
		}
	}
	if got := Find("--rolez", []string{"--role", "--roles"}); got != "--role" {
		t.Errorf("of two that are equally near: %q, want the earlier", got)
	}
	if got := Find("-", []string{"+", "/"}); got != "" {
		t.Errorf("other marks: %q", got)
	}
	if got := Hint("incom", columns); got != `; did you mean "Income"?` {
		t.Errorf("Hint = %q", got)
	}
	if got := Hint("zzz", columns); got != "" {
		t.Errorf("Hint of nothing near = %q", got)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"ca", "ac", 1}, {"abcd", "acbd", 1}, {"flaw", "lawn", 2},
		{"größe", "grösse", 2}} {
		if got := distance([]rune(c.a), []rune(c.b)); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := distance([]rune(c.b), []rune(c.a)); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}
