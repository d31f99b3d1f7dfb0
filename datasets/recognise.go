// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"strings"
)

// format is a kind of file.
type format uint8

const (
	csvFile format = iota
	parquetFile
	arrowFile
	arrowStream
	sheetFile
)

// sniff tells the formats that are read apart by their first bytes.
func sniff(b []byte) format {
	switch {
	case bytes.HasPrefix(b, []byte("PAR1")):
		return parquetFile
	case bytes.HasPrefix(b, []byte("ARROW1")):
		return arrowFile
	case len(b) >= 8 && bytes.HasPrefix(b, []byte{0xff, 0xff, 0xff, 0xff}) && b[7] == 0:
		return arrowStream // an encapsulated message: continuation marker, then its length
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		return sheetFile
	}
	return csvFile
}

// unreadFormats are formats that are not read, by their first bytes, and what makes a
// file of them that is.
var unreadFormats = []struct{ magic, name, instead string }{
	{"PARE", "an encrypted Parquet file", "write it without encryption"},
	{"FEA1", "a Feather file of version 1",
		`write it with pyarrow.feather.write_feather(df, "x.arrow"), which is version 2`},
	{"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls), or one with a password",
		"save it as .xlsx without a password, or as CSV"},
	{"\xfd7zXZ", "packed by xz", "unpack it: xz -d"},
	{"\x04\x22\x4d\x18", "packed by lz4", "unpack it: lz4 -d"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it: 7z x"},
	{"Rar!", "a RAR archive", "unpack it: unrar x"},
	{"\xff\x06\x00\x00sNaPpY", "packed by Snappy", "unpack it"},
	{"Obj\x01", "an Avro file", "write it as Parquet, with DuckDB: COPY (FROM read_avro('x.avro')) TO 'x.parquet'"},
	{"ORC", "an ORC file",
		"write it as Parquet, with pyarrow: parquet.write_table(orc.read_table('x.orc'), 'x.parquet')"},
	{"SQLite format 3", "an SQLite database", "write the table as CSV: sqlite3 -header -csv x.db 'select * from t' > " +
		"x.csv"},
	{"\x89HDF", "an HDF5 file", "write it with pandas: pd.read_hdf('x.h5').to_parquet('x.parquet', index=False)"},
	{"\x93NUMPY", "a NumPy array", "write it with pandas and names for its columns: pd.DataFrame(a, " +
		"columns=...).to_parquet('x.parquet', index=False)"},
	{"\x80\x04\x95", "a Python pickle", "write it with pandas: pd.read_pickle('x.pkl').to_parquet('x.parquet', " +
		"index=False)"},
	{"\x80\x05\x95", "a Python pickle", "write it with pandas: pd.read_pickle('x.pkl').to_parquet('x.parquet', " +
		"index=False)"},
	{"RDX", "an R workspace", "write it in R: write.csv(d, 'x.csv', row.names = FALSE, na = '')"},
	{"X\n\x00\x00", "an R object", "write it in R: write.csv(d, 'x.csv', row.names = FALSE, na = '')"},
	{"$FL", "an SPSS file", "write it with pandas: pd.read_spss('x.sav').to_parquet('x.parquet', index=False)"},
	{"<stata_dta>", "a Stata file",
		"write it with pandas: pd.read_stata('x.dta').to_parquet('x.parquet', index=False)"},
	{"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc2\xea\x81\x60", "a SAS file",
		"write it with pandas: pd.read_sas('x.sas7bdat').to_parquet('x.parquet', index=False)"},
	{"%PDF", "a PDF document", "ask for the table as CSV"},
	{"\xff\xfe\x00\x00", "text in UTF-32", "save it as UTF-8: iconv -f UTF-32 -t UTF-8"},
	{"\x00\x00\xfe\xff", "text in UTF-32", "save it as UTF-8: iconv -f UTF-32 -t UTF-8"},
	{"<?xml", "XML", "save the table as CSV"},
	{"<!DOCTYPE", "a web page", "save the table as CSV; was a log-in page saved in its place?"},
	{"<html", "a web page", "save the table as CSV; was a log-in page saved in its place?"},
	{"version https://git-lfs", "a pointer of Git LFS and not the file itself", "fetch the file: git lfs pull"},
}

// refuseUnread names a format that is not read. First bytes that a header of
// CSV could have, too, are those of the format only where zero bytes follow.
func refuseUnread(file string, head []byte) error {
	binary := bytes.IndexByte(head, 0) >= 0
	for _, u := range unreadFormats {
		word := strings.Trim(u.magic, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
		if bytes.HasPrefix(head, []byte(u.magic)) && (binary || !word) {
			return &BadRow{File: file, Problem: "this is " + u.name + ", which is not read: " + u.instead}
		}
	}
	if isJSON(head) {
		return &BadRow{File: file,
			Problem: "this is JSON, which is not read: write it as Parquet, with DuckDB: COPY (FROM " +
				"'x.json') TO 'x.parquet'"}
	}
	return nil
}

// isJSON reports whether a text begins as JSON rows do: no header of a table
// has a brace and a quoted name, or a bracket and a brace, in front.
func isJSON(head []byte) bool {
	s := strings.TrimLeft(strings.TrimPrefix(string(head), "\xef\xbb\xbf"), " \t\r\n")
	for _, open := range []string{"{", "["} {
		if rest, ok := strings.CutPrefix(s, open); ok {
			rest = strings.TrimLeft(rest, " \t\r\n")
			return open == "{" && strings.HasPrefix(rest, `"`) || open == "[" && strings.HasPrefix(rest, "{")
		}
	}
	return false
}
