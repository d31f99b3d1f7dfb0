// SPDX-License-Identifier: Apache-2.0

package arrowsafe

// The tables of Schema.fbs. Field holds fields, so it is completed below.
var (
	size1, size2, size4, size8 = slot{size: 1}, slot{size: 2}, slot{size: 4}, slot{size: 8}
	textSlot                   = slot{kind: text}

	keyValue  = layout{textSlot, textSlot}
	keyValues = slot{kind: childList, table: &keyValue}
	noFields  = layout{}
	oneSize2  = layout{size2}
	oneSize4  = layout{size4}
	intType   = layout{size4, size1}
	types     = []*layout{
		typeNull:          &noFields,
		typeInt:           &intType,
		typeFloat:         &oneSize2,
		typeBinary:        &noFields,
		typeText:          &noFields,
		typeBool:          &noFields,
		typeDecimal:       {size4, size4, size4},
		typeDate:          &oneSize2,
		typeTime:          {size2, size4},
		typeTimestamp:     {size2, textSlot},
		typeInterval:      &oneSize2,
		typeList:          &noFields,
		typeStruct:        &noFields,
		typeUnion:         {size2, slot{kind: scalars, size: 4}},
		typeFixedBinary:   &oneSize4,
		typeFixedList:     &oneSize4,
		typeMap:           {size1},
		typeDuration:      &oneSize2,
		typeLargeBinary:   &noFields,
		typeLargeText:     &noFields,
		typeLargeList:     &noFields,
		typeRunEnds:       &noFields,
		typeBinaryView:    &noFields,
		typeTextView:      &noFields,
		typeListView:      &noFields,
		typeLargeListView: &noFields,
	}
	dictionary = layout{size8, slot{kind: child, table: &intType}, size1, size2}
	schema     = layout{size2, slot{kind: childList, table: fieldLayout()}, keyValues, slot{kind: scalars, size: 8}}
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

// Numbers of the slots that are read after they were verified.
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

// fieldLayout is the layout of Field: name, nullable, type, dictionary, children,
// custom metadata.
func fieldLayout() *layout {
	f := layout{textSlot, size1, size1, {kind: union, tables: types, open: true}, {kind: child, table: &dictionary},
		{kind: childList}, keyValues}
	f[fieldChildren].table = &f
	return &f
}

// The tables of Message.fbs and File.fbs. A Block is three numbers in 24 bytes;
// a FieldNode and a Buffer are two in 16.
var (
	batch = layout{size8, slot{kind: scalars, size: 16}, slot{kind: scalars, size: 16},
		slot{kind: child, table: &layout{size1, size1}}, slot{kind: scalars, size: 8}}
	dictionaryBatch = layout{size8, slot{kind: child, table: &batch}, size1}

	headers = []*layout{kindSchema: &schema, kindDictionary: &dictionaryBatch, kindBatch: &batch}
	message = layout{size2, size1, slot{kind: union, tables: headers}, size8, keyValues}
	blocks  = slot{kind: scalars, size: 24}
	footer  = layout{size2, slot{kind: child, table: &schema}, blocks, blocks, keyValues}
)

// Numbers in the union MessageHeader. Tensors are not read.
const (
	kindSchema     = 1
	kindDictionary = 2
	kindBatch      = 3
)
