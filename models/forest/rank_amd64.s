// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

// COUNT leaves in R twice the number of the 16 float64 at M below Y0. A mask of
// 64 bits becomes 2 bytes, so that one population count does.
#define COUNT(M0, M1, M2, M3, R) \
	VCMPPD    $0x1E, M0, Y0, Y1; \
	VCMPPD    $0x1E, M1, Y0, Y2; \
	VCMPPD    $0x1E, M2, Y0, Y3; \
	VCMPPD    $0x1E, M3, Y0, Y4; \
	VPACKSSDW Y2, Y1, Y1;        \
	VPACKSSDW Y4, Y3, Y3;        \
	VPACKSSWB Y3, Y1, Y1;        \
	VPMOVMSKB Y1, R;             \
	POPCNTL   R, R

// COUNT8 leaves in R the number of the 8 float64 at M below Y0.
#define COUNT8(M0, M1, R) \
	VCMPPD    $0x1E, M0, Y0, Y1; \
	VCMPPD    $0x1E, M1, Y0, Y2; \
	VPACKSSDW Y2, Y1, Y1;        \
	VMOVMSKPS Y1, R;             \
	POPCNTL   R, R

// COUNT8V leaves in R the number of the 8 float64 at M below Z0.
#define COUNT8V(M, R) \
	VCMPPD  $0x1E, M, Z0, K1; \
	KMOVB   K1, R;            \
	POPCNTL R, R

// COUNTV leaves in R the number of the 16 float64 at M below Z0.
#define COUNTV(M0, M1, R) \
	VCMPPD   $0x1E, M0, Z0, K1; \
	VCMPPD   $0x1E, M1, Z0, K2; \
	KUNPCKBW K1, K2, K1;        \
	KMOVW    K1, R;             \
	POPCNTL  R, R

// FETCH leaves in X0 the value that the source at R10 ranks, 0 for a NaN that is
// not kept, and in BX its table.
#define FETCH \
	MOVQ   0(R10), AX;         \
	MOVQ   8(R10), BX;         \
	VMOVSD (SI)(AX*1), X0;     \
	VCMPSD $7, X0, X0, X1;     \
	VORPD  24(R10), X1, X1;    \
	VANDPD X1, X0, X0

// STORE writes the rank in CX, goes to the next source, and compares for the end.
#define STORE \
	MOVB CX, (DI);  \
	ADDQ $40, R10;  \
	INCQ DI;        \
	CMPQ DI, R12

// func rankAVX2(dst, missing *uint8, x unsafe.Pointer, xStep uintptr, s *search, sStep uintptr, n int)
//
// search: 0 offset, 8 table, 16 zero, 24 keep, 32 plain.
TEXT ·rankAVX2(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ missing+8(FP), R8
	MOVQ x+16(FP), SI
	MOVQ xStep+24(FP), R9
	MOVQ s+32(FP), R10
	MOVQ sStep+40(FP), R11
	MOVQ n+48(FP), R12

	// Y5 = all ones without the sign bit, for magnitudes.
	VPCMPEQD Y5, Y5, Y5
	VPSRLQ   $1, Y5, Y5

loop:
	MOVQ   0(R10), AX
	MOVQ   8(R10), BX
	VMOVSD (SI)(AX*1), X0
	CMPQ   32(R10), $0
	JNE    plain

	// |v| <= zero: v becomes NaN.
	VANDPD  X5, X0, X1
	VMOVSD  16(R10), X2
	VCMPSD  $0x12, X2, X1, X1 // LE, ordered, quiet
	VORPD   X1, X0, X0

	// NaN and not kept: v becomes 0.
	VCMPSD $7, X0, X0, X1   // ordered
	VMOVSD 24(R10), X2
	VORPD  X2, X1, X1
	VANDPD X1, X0, X0

plain:
	VUCOMISD     X0, X0
	SETPS        AX
	NEGL         AX
	ANDL         $254, AX
	MOVB         AX, (R8)
	VBROADCASTSD X0, Y0
	COUNT(0(BX), 32(BX), 64(BX), 96(BX), CX)
	MOVL         CX, DX
	SHLQ         $6, DX
	ADDQ         DX, BX
	COUNT(128(BX), 160(BX), 192(BX), 224(BX), DX)
	SHLL         $3, CX
	SHRL         $1, DX
	ADDL         DX, CX
	MOVB         CX, (DI)
	ADDQ         R9, SI
	ADDQ         R11, R10
	INCQ         DI
	INCQ         R8
	DECQ         R12
	JNZ          loop
	VZEROUPPER
	RET

// func rankUnmarkedAVX2(dst *uint8, x unsafe.Pointer, s *search, n int)
TEXT ·rankUnmarkedAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ s+16(FP), R10
	MOVQ n+24(FP), R12
	ADDQ DI, R12

unmarked:
	FETCH
	VBROADCASTSD X0, Y0
	COUNT(0(BX), 32(BX), 64(BX), 96(BX), CX)
	MOVL         CX, DX
	SHLQ         $6, DX
	COUNT(128(BX)(DX*1), 160(BX)(DX*1), 192(BX)(DX*1), 224(BX)(DX*1), AX)
	SHRL         $1, AX
	LEAL         (AX)(CX*8), CX
	STORE
	JNE          unmarked
	VZEROUPPER
	RET

// func rankFewAVX2(dst *uint8, x unsafe.Pointer, s *search, n int)
TEXT ·rankFewAVX2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ s+16(FP), R10
	MOVQ n+24(FP), R12
	ADDQ DI, R12

few:
	FETCH
	VBROADCASTSD X0, Y0
	COUNT8(2176(BX), 2208(BX), CX)
	MOVL         CX, DX
	SHLQ         $6, DX
	COUNT8(128(BX)(DX*1), 160(BX)(DX*1), AX)
	LEAL         (AX)(CX*8), CX
	STORE
	JNE          few
	VZEROUPPER
	RET

// func rankColumnAVX2(dst *uint8, x unsafe.Pointer, xStep uintptr, s *search, n int)
TEXT ·rankColumnAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ xStep+16(FP), R9
	MOVQ s+24(FP), R10
	MOVQ n+32(FP), R12
	ADDQ DI, R12
	ADDQ 0(R10), SI
	MOVQ 8(R10), BX
	VMOVSD 24(R10), X6 // keep
	VMOVUPD 0(BX), Y8
	VMOVUPD 32(BX), Y9
	VMOVUPD 64(BX), Y10
	VMOVUPD 96(BX), Y11

column:
	VMOVSD       (SI), X0
	VCMPSD       $7, X0, X0, X1 // ordered
	VORPD        X6, X1, X1
	VANDPD       X1, X0, X0
	VBROADCASTSD X0, Y0
	COUNT(Y8, Y9, Y10, Y11, CX)
	MOVL         CX, DX
	SHLQ         $6, DX
	COUNT(128(BX)(DX*1), 160(BX)(DX*1), 192(BX)(DX*1), 224(BX)(DX*1), AX)
	SHRL         $1, AX
	LEAL         (AX)(CX*8), CX
	MOVB         CX, (DI)
	ADDQ         R9, SI
	INCQ         DI
	CMPQ         DI, R12
	JNE          column
	VZEROUPPER
	RET

// func rankAVX512(dst, missing *uint8, x unsafe.Pointer, xStep uintptr, s *search, sStep uintptr, n int)
//
// search: 0 offset, 8 table, 16 zero, 24 keep, 32 plain.
TEXT ·rankAVX512(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ missing+8(FP), R8
	MOVQ x+16(FP), SI
	MOVQ xStep+24(FP), R9
	MOVQ s+32(FP), R10
	MOVQ sStep+40(FP), R11
	MOVQ n+48(FP), R12

	// Y5 = all ones without the sign bit, for magnitudes.
	VPCMPEQD Y5, Y5, Y5
	VPSRLQ   $1, Y5, Y5

loop512:
	MOVQ   0(R10), AX
	MOVQ   8(R10), BX
	VMOVSD (SI)(AX*1), X0
	CMPQ   32(R10), $0
	JNE    plain512

	// |v| <= zero: v becomes NaN.
	VANDPD  X5, X0, X1
	VMOVSD  16(R10), X2
	VCMPSD  $0x12, X2, X1, X1 // LE, ordered, quiet
	VORPD   X1, X0, X0

	// NaN and not kept: v becomes 0.
	VCMPSD $7, X0, X0, X1   // ordered
	VMOVSD 24(R10), X2
	VORPD  X2, X1, X1
	VANDPD X1, X0, X0

plain512:
	VUCOMISD     X0, X0
	SETPS        AX
	NEGL         AX
	ANDL         $254, AX
	MOVB         AX, (R8)
	VBROADCASTSD X0, Z0
	COUNTV(0(BX), 64(BX), CX)
	MOVL         CX, DX
	SHLQ         $7, DX
	COUNTV(128(BX)(DX*1), 192(BX)(DX*1), AX)
	SHLL         $4, CX
	ADDL         AX, CX
	MOVB         CX, (DI)
	ADDQ         R9, SI
	ADDQ         R11, R10
	INCQ         DI
	INCQ         R8
	DECQ         R12
	JNZ          loop512
	VZEROUPPER
	RET

// func rankUnmarkedAVX512(dst *uint8, x unsafe.Pointer, s *search, n int)
TEXT ·rankUnmarkedAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ s+16(FP), R10
	MOVQ n+24(FP), R12
	ADDQ DI, R12

unmarked512:
	FETCH
	VBROADCASTSD X0, Z0
	COUNTV(0(BX), 64(BX), CX)
	MOVL         CX, DX
	SHLQ         $7, DX
	COUNTV(128(BX)(DX*1), 192(BX)(DX*1), AX)
	SHLL         $4, CX
	ADDL         AX, CX
	STORE
	JNE          unmarked512
	VZEROUPPER
	RET

// func rankFewAVX512(dst *uint8, x unsafe.Pointer, s *search, n int)
TEXT ·rankFewAVX512(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ s+16(FP), R10
	MOVQ n+24(FP), R12
	ADDQ DI, R12

few512:
	FETCH
	VBROADCASTSD X0, Z0
	COUNT8V(2176(BX), CX)
	MOVL         CX, DX
	SHLQ         $6, DX
	COUNT8V(128(BX)(DX*1), AX)
	LEAL         (AX)(CX*8), CX
	STORE
	JNE          few512
	VZEROUPPER
	RET

// func rankColumnAVX512(dst *uint8, x unsafe.Pointer, xStep uintptr, s *search, n int)
TEXT ·rankColumnAVX512(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ xStep+16(FP), R9
	MOVQ s+24(FP), R10
	MOVQ n+32(FP), R12
	ADDQ DI, R12
	ADDQ 0(R10), SI
	MOVQ 8(R10), BX
	VMOVSD 24(R10), X6 // keep
	VMOVUPD 0(BX), Z8
	VMOVUPD 64(BX), Z9

column512:
	VMOVSD       (SI), X0
	VCMPSD       $7, X0, X0, X1 // ordered
	VORPD        X6, X1, X1
	VANDPD       X1, X0, X0
	VBROADCASTSD X0, Z0
	COUNTV(Z8, Z9, CX)
	MOVL         CX, DX
	SHLQ         $7, DX
	COUNTV(128(BX)(DX*1), 192(BX)(DX*1), AX)
	SHLL         $4, CX
	ADDL         AX, CX
	MOVB         CX, (DI)
	ADDQ         R9, SI
	INCQ         DI
	CMPQ         DI, R12
	JNE          column512
	VZEROUPPER
	RET
