// SPDX-License-Identifier: Apache-2.0

package plancheck_test

import (
	"strings"
	"testing"

	"github.com/assayrisk/assay/features/kernels"
)

// knownFields ends the errors about a name that is no field of the sound plan.
const knownFields = "; the fields are amount, discount, code, channel, urgent, due, paid, country"

func knownKernels() string { return "; the kernels are " + strings.Join(kernels.Names(), ", ") }
func derivedKernels() string {
	return "; the kernels are " + strings.Join(kernels.StatelessNames(), ", ")
}

func TestWindowRules(t *testing.T) {
	t.Parallel()
	checkBroken(t, []broken{
		{"name", "{name: ever,", "{name: '',",
			`plan: line 32, column 12 (windows[1].name): a window wants a name`},
		{"twice", "{name: ever,", "{name: recent,",
			`plan: line 32, column 12 (windows[1].name): window "recent" is declared twice`},
		{"no key", "key: [seller]", "key: []",
			`plan: line 34, column 10 (windows[2].key): a window is kept per key: name 1 to 4 roles or text fields`},
		{"five keys", "key: [seller]", "key: [seller, buyer, channel, country, seller]",
			`plan: line 34, column 10 (windows[2].key): a window is kept per key: name 1 to 4 roles or text fields`},
		{"key is a number", "key: [seller]", "key: [amount]",
			`plan: line 34, column 11 (windows[2].key[0]): "amount" is neither a role nor a text field; the roles are buyer, seller`},
		{"key is unknown", "key: [seller]", "key: [sellers]",
			`plan: line 34, column 11 (windows[2].key[0]): "sellers" is neither a role nor a text field; the roles are buyer, seller`},
		{"key not carried", "key: [buyer], on: [payment]", "key: [country], on: [payment]",
			"plan: line 31, column 26 (windows[0].key[0]): events of kind \"payment\" do not carry field " +
				"\"country\", and would never feed window \"recent\"; add the kind to the field's `on`, or take it " +
				"from the window's"},
		{"fed by nothing", "    on: [order]\n", "",
			`plan: line 33, column 5 (windows[2].on): nothing feeds window "years"; name the kinds of event that feed it`},
		{"kind twice", "    on: [order]", "    on: [order, order]",
			`plan: line 35, column 17 (windows[2].on[1]): the kind of event is empty, too long or given twice`},
		{"value is a text", "    value: amount", "    value: country",
			`plan: line 36, column 12 (windows[2].value): "country" names no derived value, and no field that is a number or flag` + knownFields},
		{"value is a time", "    value: amount", "    value: due",
			`plan: line 36, column 12 (windows[2].value): "due" names no derived value, and no field that is a number or flag` + knownFields},
		{"value not carried", "on: [payment], value: late_days", "on: [payment], value: discount",
			"plan: line 31, column 56 (windows[0].value): events of kind \"payment\" do not carry field " +
				"\"discount\"; add the kind to the field's `on`"},
		{"derived value not carried", "    value: amount", "    value: late",
			"plan: line 36, column 12 (windows[2].value): events of kind \"order\" do not carry field \"paid\"; add " +
				"the kind to the field's `on`"},
		{"member is a number", "    member: country", "    member: amount",
			`plan: line 37, column 13 (windows[2].member): "amount" is neither a role nor a text field; the roles are buyer, seller`},
		{"member not carried", "on: [order, payment], member: channel", "on: [order, payment], member: country",
			"plan: line 32, column 71 (windows[1].member): events of kind \"payment\" do not carry field " +
				"\"country\", and would never feed window \"ever\"; add the kind to the field's `on`, or take it " +
				"from the window's"},
		{"length", "length: 30d, hop: 1d", "length: long",
			`plan: line 31, column 75 (windows[0].length): "long" is no length of time: want a whole number and s, m, h, d or w, at most 100 years`},
		{"no length", "length: 30d, hop: 1d", "length: ''",
			`plan: line 31, column 75 (windows[0].length): how long is the window? Write "90d", or "all"`},
		{"hop", "hop: 1d", "hop: 31d",
			`plan: line 31, column 75 (windows[0].length): the hop must not be longer than the window, nor shorter than 1/4096 of it and its offset`},
		{"hop too short", "hop: 1d", "hop: 1s",
			`plan: line 31, column 75 (windows[0].length): the hop must not be longer than the window, nor shorter than 1/4096 of it and its offset`},
		{"hop of the whole life", "length: all,", "length: all, hop: 1d,",
			`plan: line 32, column 88 (windows[1].length): a window over the whole life of a key has no hop and no offset`},
		{"hop of a calendar", `    length: "1"`, "    hop: 1d\n    length: '1'",
			`plan: line 39, column 13 (windows[2].length): a window over a calendar moves in its units and has no hop`},
		{"calendar", "calendar: year", "calendar: decade",
			`plan: line 38, column 13 (windows[2].length): calendar "decade" is not known: want day, week, month, quarter or year`},
		{"length of a calendar", `length: "1"`, "length: 90d",
			`plan: line 38, column 13 (windows[2].length): "90d" is no number of the calendar's units: want a whole number of at most 4096`},
		{"no units", `length: "1"`, "length: '0'",
			`plan: line 38, column 13 (windows[2].length): how many of the calendar's units is the window long? 1 is from the start of the present one to now`},
		{"offset of a calendar", `offset: "1"`, "offset: '5000'",
			`plan: line 38, column 13 (windows[2].length): "5000" is no number of the calendar's units: want a whole number of at most 4096`},
		{"members", "members: 64", "members: 1025",
			`plan: line 32, column 102 (windows[1].members): members must lie between 1 and 1024`},
		{"samples", "samples: 100", "samples: -1",
			`plan: line 43, column 14 (windows[2].samples): samples must lie between 1 and 4096`},
		{"half-life", "half_life: 10d", "half_life: 0d",
			`plan: line 42, column 16 (windows[2].half_life): after how long does an event count half?; write it as "30d"`},
		{"zone without calendar", "members: 64", "zone: Europe/Berlin",
			"plan: line 32, column 99 (windows[1].zone): a time zone is of a calendar; name the calendar's units, as " +
				"in `calendar: month`"},
		{"zone", "    zone: Europe/Berlin", "    zone: ../Berlin",
			`plan: line 41, column 11 (windows[2].zone): "../Berlin" names no time zone; want a name such as Europe/Berlin`},
	})
}

func TestConditionRules(t *testing.T) {
	t.Parallel()
	const where = "where: [{field: channel, is: [web]}, {field: paid, missing: true}]"
	checkBroken(t, []broken{
		{"unknown field", "{field: amount, above: 0}", "{field: amuont, above: 0}",
			`plan: line 31, column 104 (windows[0].where.field): "amuont" names no field and no derived value` +
				knownFields},
		{"text above a number", where, "where: {field: channel, above: 1}",
			"plan: line 44, column 13 (windows[2].where): a text wants `is`, `not` or `missing`, a number `above`, " +
				"`below`, `at_least`, `at_most` or `missing`"},
		{"number is a text", where, "where: [{field: amount, is: [web]}]",
			"plan: line 44, column 12 (windows[2].where): a text wants `is`, `not` or `missing`, a number `above`, " +
				"`below`, `at_least`, `at_most` or `missing`"},
		{"nothing asked", "is: [web]}", "is: []}",
			"plan: line 44, column 14 (windows[2].where[0]): a text wants `is`, `not` or `missing`, a number " +
				"`above`, `below`, `at_least`, `at_most` or `missing`"},
		{"missing and more", "missing: true}]", "missing: true, above: 1}]",
			"plan: line 44, column 43 (windows[2].where[1]): `missing: true` cannot be combined with other " +
				"conditions; a missing value satisfies " +
				"nothing else"},
		{"not finite", "above: 0", "at_most: .inf",
			`plan: line 31, column 97 (windows[0].where): want a finite number`},
		{"not carried", "{field: paid, missing: true}", "{field: paid, missing: false}",
			"plan: line 44, column 50 (windows[2].where[1].field): events of kind \"order\" do not carry field " +
				"\"paid\", and would never feed window \"years\"; add the kind to the field's `on`, or take it from " +
				"the window's"},
		{"derived of a field not carried", where, "where: {field: late, above: .nan}",
			`plan: line 44, column 13 (windows[2].where): want a finite number`},
	})
}

func TestFeatureRules(t *testing.T) {
	t.Parallel()
	checkBroken(t, []broken{
		{"name", "{name: size,", "{name: event.time,",
			`plan: line 46, column 12 (features[0].name): a feature wants a name of 1 to 256 bytes without spaces around it`},
		{"twice", "{name: both,", "{name: cut,",
			`plan: line 59, column 12 (features[13].name): feature "cut" is declared twice; give each feature a name of its own`},
		{"monotone", "monotone: increasing", "monotone: up",
			`plan: line 46, column 55 (features[0].monotone): "up" is not known; want increasing or decreasing (of risk, as the feature grows)`},
		{"group", "group: money", "group: cash",
			`plan: line 46, column 74 (features[0].group): there is no group "cash"; declare it under groups`},
		{"kernel", "kernel: log1p", "kernel: log1",
			`plan: line 46, column 26 (features[0].kernel): kernel "log1" is not known; did you mean "log1p"?` +
				knownKernels()},
		{"monotone category", "- {name: channel}", "- {name: channel, monotone: decreasing}",
			`plan: line 47, column 31 (features[1].monotone): a category has no order; use woe or target_mean`},
		{"zone", "part: weekday, zone: Europe/Berlin", "part: weekday, zone: Central Europe",
			`plan: line 51, column 77 (features[5].zone): "Central Europe" names no time zone; want a name such as Europe/Berlin`},
		{"part", "part: weekday", "part: fortnight",
			`plan: line 51, column 6 (features[5]): part wants year, quarter, month, day, weekday, hour or year_day; docs/plan.md shows an example of each kernel`},
		{"window of another kernel", "kernel: log1p,", "kernel: log1p, window: recent,",
			`plan: line 46, column 41 (features[0].window): kernel log1p reads no window`},
		{"no window", "kernel: mean, window: recent", "kernel: mean",
			`plan: line 54, column 6 (features[8].window): kernel mean reads a window, and there is no window ""; declare it under windows`},
		{"inputs of a window's kernel", "kernel: mean, window: recent", "kernel: mean, of: amount, window: recent",
			"plan: line 54, column 40 (features[8].of): kernel mean reads a window and nothing else; put `value` or " +
				"`member` at the window"},
		{"window without value", "kernel: mean, window: recent", "kernel: mean, window: ever",
			"plan: line 54, column 44 (features[8].window): kernel mean wants a value, and window \"ever\" only " +
				"counts events; name the `value` at the window"},
		{"window without member", "kernel: mode, window: ever", "kernel: mode, window: recent",
			"plan: line 55, column 45 (features[9].window): kernel mode wants a member, and window \"recent\" has " +
				"none; name the `member` at the window"},
		{"latest events of a window with offset", "kernel: median, window: years", "kernel: distinct, window: years",
			`plan: line 57, column 46 (features[11].window): kernel distinct knows the latest events alone, and window "years" ends before them; take the window without offset`},
		{"parameter of a window's kernel", "kernel: median,", "kernel: quantile,",
			"plan: line 57, column 6 (features[11]): quantile wants a share between 0 and 1, as in `quantile: 0.9`; " +
				"docs/plan.md shows an example of each kernel"},
		{"categories of another kernel", "kernel: log1p,", "kernel: log1p, categories: [a],",
			`plan: line 46, column 6 (features[0]): kernel log1p takes no categories; use kernel category`},
		{"number of inputs", "of: [cut, discount]", "of: []",
			`plan: line 59, column 35 (features[13].of): kernel sum wants 2 to 8 inputs, 1 are given`},
		{"parameter", "bounds: [0, 5]", "bounds: [0]",
			`plan: line 58, column 6 (features[12]): bounds want two numbers, low and high; docs/plan.md shows an example of each kernel`},
		{"unknown input", "of: [cut, discount]", "of: [cut, discuont]",
			`plan: line 59, column 41 (features[13].of[1]): "discuont" names no field and no other feature; did you mean "discount"?` + knownFields},
		{"itself", "of: [cut, discount]", "of: [cut, both]",
			`plan: line 59, column 41 (features[13].of[1]): "both" names no field and no other feature` + knownFields},
		{"cycle", "of: size, bounds", "of: both, bounds",
			`plan: line 58, column 35 (features[12].of): features read each other in a cycle: cut, both, cut`},
		{"event's time as a number", "kernel: log1p, of: amount", "kernel: log1p, of: event.time",
			`plan: line 46, column 37 (features[0].of[0]): kernel log1p does not take times; use days_between or date_part`},
		{"text of a feature", "kernel: category, of: country, categories: [DE, FR], unknown: missing",
			"kernel: category, of: cut",
			`plan: line 48, column 40 (features[2].of[0]): kernel category reads fields, and "cut" is a feature`},
		{"category as a quantity", "of: [cut, discount]", "of: [cut, land]",
			`plan: line 59, column 41 (features[13].of[1]): "land" is a category and no quantity; use woe, target_mean or frequency`},
		{"field of another event", "of: [due, event.time]", "of: [paid, event.time]",
			`plan: line 50, column 45 (features[4].of[0]): events of kind "order" do not carry field "paid"; read it through a window`},
		{"category of a number", `of: code, categories: ["1", "2"]`, "of: code",
			`plan: line 49, column 41 (features[3].of[0]): "code" is a number, whose categories are not learned; list the values of the codes 0, 1, ... under categories`},
		{"text as a number", "kernel: log1p, of: amount", "kernel: log1p, of: country",
			`plan: line 46, column 37 (features[0].of[0]): kernel log1p wants a number, and "country" is a text; the kernel for a text is category, for a time days_between`},
		{"number as a text", "- {name: channel}", "- {name: channel, kernel: frequency, of: amount}",
			`plan: line 47, column 44 (features[1].of[0]): kernel frequency wants a text, and "amount" is a number; the kernel for a text is category, for a time days_between`},
		{"number as a time", "of: [due, event.time]", "of: [amount, event.time]",
			`plan: line 50, column 45 (features[4].of[0]): kernel days_between wants a time, and "amount" is a number; the kernel for a text is category, for a time days_between`},
		{"categories of a time", `of: code, categories: ["1", "2"]`, `of: due, categories: ["1"]`,
			`plan: line 49, column 41 (features[3].of[0]): categories are texts, numbers or flags, and "due" is a time; use days_between or date_part`},
		{"category twice", "categories: [DE, FR]", "categories: [DE, DE]",
			`plan: line 48, column 40 (features[2].of[0]): category "DE" of "land" is empty, too long or listed twice; list each value once, and leave out the empty text: it is missing`},
		{"category empty", "categories: [DE, FR]", "categories: [DE, '']",
			`plan: line 48, column 40 (features[2].of[0]): category "" of "land" is empty, too long or listed twice; list each value once, and leave out the empty text: it is missing`},
		{"category is no number", `of: code, categories: ["1", "2"]`, `of: code, categories: ["1", "b"]`,
			`plan: line 49, column 41 (features[3].of[0]): "code" is a number, and its category "b" is none; want a finite number`},
		{"category is no flag", `of: code, categories: ["1", "2"]`, `of: urgent, categories: ["yes"]`,
			`plan: line 49, column 41 (features[3].of[0]): "urgent" is a flag, and its category "yes" is none; want false or true`},
		{"number in two spellings", `of: code, categories: ["1", "2"]`, `of: code, categories: ["1", "1.0"]`,
			`plan: line 49, column 41 (features[3].of[0]): the category "1.0" of "coded" is listed twice; list each value once`},
	})
}
