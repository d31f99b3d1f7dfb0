// SPDX-License-Identifier: Apache-2.0

// Package arrowsafe looks at Arrow IPC bytes from outside before a library
// decodes them. Decoders believe the lengths that a message claims, and a
// message of a hundred bytes may claim a schema of a billion fields; what a
// recover can not catch is the memory that is asked for then.
//
//   - CheckStream and CheckFile walk the frames and verify the metadata of each:
//     every offset stays inside, every vector is no longer than its bytes, and no
//     part is shared so often that reading it would never end.
//   - Budget is an allocator for the buffers themselves, whose sizes come from
//     the metadata, too (a compressed buffer names its size when unpacked).
//
// The layouts are those of the format's Message.fbs, Schema.fbs and File.fbs
// (arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc)
// and of FlatBuffers (flatbuffers.dev/internals).
package arrowsafe
