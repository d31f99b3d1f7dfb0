// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

DATA place<>+0(SB)/8, $0x0000000000000000
DATA place<>+8(SB)/8, $0x3FF0000000000000
DATA place<>+16(SB)/8, $0x4000000000000000
DATA place<>+24(SB)/8, $0x4008000000000000
GLOBL place<>(SB), RODATA|NOPTR, $32
DATA four<>+0(SB)/8, $0x4010000000000000
GLOBL four<>(SB), RODATA|NOPTR, $8

// func bestThreshold4(left *cell, n int, s *thresholdScan, gain, bin *[4]float64)
//
// Y0 gUnit, Y1 hUnit, Y2 gAll, Y3 hAll, Y4 l2, Y5 least, Y6 most, Y7 the
// lanes' best gains, Y8 their places, Y9 the place now, Y10 four.
TEXT ·bestThreshold4(SB), NOSPLIT, $0-40
	MOVQ left+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ s+16(FP), DX
	MOVQ gain+24(FP), DI
	MOVQ bin+32(FP), R8
	VBROADCASTSD 0(DX), Y0
	VBROADCASTSD 8(DX), Y1
	VBROADCASTSD 16(DX), Y2
	VBROADCASTSD 24(DX), Y3
	VBROADCASTSD 32(DX), Y4
	VBROADCASTSD 40(DX), Y5
	VBROADCASTSD 48(DX), Y6
	VMOVUPD (DI), Y7
	VMOVUPD (R8), Y8
	VMOVUPD place<>(SB), Y9
	VBROADCASTSD four<>(SB), Y10
next:
	VMOVUPS (SI), X11
	VMOVUPS 16(SI), X12
	VSHUFPS $0xDD, X12, X11, X13 // gradients, upper halves
	VSHUFPS $0x88, X12, X11, X14 // hessians, lower halves
	VCVTDQ2PD X13, Y13
	VCVTDQ2PD X14, Y14
	VCMPPD $0x1D, Y5, Y14, Y11   // hessian >= least
	VCMPPD $0x12, Y6, Y14, Y12   // hessian <= most
	VANDPD Y12, Y11, Y15
	VMULPD Y0, Y13, Y13          // gl
	VMULPD Y1, Y14, Y14          // hl
	VSUBPD Y13, Y2, Y11          // gr
	VSUBPD Y14, Y3, Y12          // hr
	VADDPD Y4, Y14, Y14
	VADDPD Y4, Y12, Y12
	VMULPD Y13, Y13, Y13
	VMULPD Y11, Y11, Y11
	VDIVPD Y14, Y13, Y13
	VDIVPD Y12, Y11, Y11
	VADDPD Y11, Y13, Y13
	VCMPPD $0x1E, Y7, Y13, Y11   // gain > best
	VANDPD Y15, Y11, Y11
	VBLENDVPD Y11, Y13, Y7, Y7
	VBLENDVPD Y11, Y9, Y8, Y8
	VADDPD Y10, Y9, Y9
	ADDQ $32, SI
	SUBQ $4, CX
	JNZ  next
	VMOVUPD Y7, (DI)
	VMOVUPD Y8, (R8)
	VZEROUPPER
	RET
