// SPDX-License-Identifier: Apache-2.0

package arrowsafe

// The tables of Schema.fbs. Field holds fields, so it is completed below.
var (
	flag, short, word, long = slot{size: 1}, slot{size: 2}, slot{size: 4}, slot{size: 8}
	name                    = slot{kind: text}

	keyValue  = layout{name, name}
	keyValues = slot{kind: childList, table: &keyValue}
	none      = layout{}
	unit      = layout{short}
	width     = layout{word}
	intType   = layout{word, flag}
	types     = []*layout{
		typeNull: &none, typeInt: &intType, typeFloat: &unit, typeBinary: &none, typeText: &none, typeBool: &none,
		typeDecimal: {word, word, word}, typeDate: &unit, typeTime: {short, word}, typeTimestamp: {short, name},
		typeInterval: &unit, typeList: &none, typeStruct: &none, typeUnion: {short, slot{kind: scalars, size: 4}},
		typeFixedBinary: &width, typeFixedList: &width, typeMap: {flag}, typeDuration: &unit, typeLargeBinary: &none,
		typeLargeText: &none, typeLargeList: &none, typeRunEnds: &none, typeBinaryView: &none, typeTextView: &none,
		typeListView: &none, typeLargeListView: &none,
	}
	dictionary = layout{long, slot{kind: child, table: &intType}, flag, short}
	schema     = layout{short, slot{kind: childList, table: field()}, keyValues, slot{kind: scalars, size: 8}}
)

// Numbers in the union Type.
const (
	typeNull = iota + 1
	typeInt
	typeFloat
	typeBinary
	typeText
	typeBool
	typeDecimal
	typeDate
	typeTime
	typeTimestamp
	typeInterval
	typeList
	typeStruct
	typeUnion
	typeFixedBinary
	typeFixedList
	typeMap
	typeDuration
	typeLargeBinary
	typeLargeText
	typeLargeList
	typeRunEnds
	typeBinaryView
	typeTextView
	typeListView
	typeLargeListView
)

// Slots that are read again after they were verified.
const (
	schemaFields                                        = 1
	fieldName, fieldType, fieldDictionary               = 0, 2, 4
	fieldChildren                                       = 5
	intWidth, intSigned                                 = 0, 1
	decimalPrecision, decimalScale, decimalWidth        = 0, 1, 2
	unionMode                                           = 0
	dictionaryID, dictionaryIndex, dictionaryData       = 0, 1, 1
	batchNodes, batchBuffers, batchVariadic             = 1, 2, 4
	messageVersion, messageKind, messageHeader          = 0, 1, 2
	messageBody                                         = 3
	footerVersion                                       = 0
	footerSchema, footerDictionaries, footerBatch       = 1, 2, 3
	version5                                      int16 = 4 // what MetadataVersion.V5 is written as
)

// field is the layout of Field: name, nullable, type, dictionary, children,
// custom metadata.
func field() *layout {
	f := layout{name, flag, flag, {kind: union, of: types, open: true}, {kind: child, table: &dictionary},
		{kind: childList}, keyValues}
	f[fieldChildren].table = &f
	return &f
}

// The tables of Message.fbs and File.fbs. A Block is three numbers in 24 bytes;
// a FieldNode and a Buffer are two in 16.
var (
	batch = layout{long, slot{kind: scalars, size: 16}, slot{kind: scalars, size: 16},
		slot{kind: child, table: &layout{flag, flag}}, slot{kind: scalars, size: 8}}
	dict = layout{long, slot{kind: child, table: &batch}, flag}

	headers = []*layout{kindSchema: &schema, kindDictionary: &dict, kindBatch: &batch}
	message = layout{short, flag, slot{kind: union, of: headers}, long, keyValues}
	blocks  = slot{kind: scalars, size: 24}
	footer  = layout{short, slot{kind: child, table: &schema}, blocks, blocks, keyValues}
)

// Numbers in the union MessageHeader. Tensors are not read.
const (
	kindSchema     = 1
	kindDictionary = 2
	kindBatch      = 3
)
