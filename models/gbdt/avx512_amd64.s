// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

// FIRST puts the bin of the first of sixteen rows into X1, PICK that of the
// k-th one into byte k.
#define FIRST \
	MOVL    (SI)(BX*4), AX  \
	MOVBLZX (R9)(AX*1), AX  \
	VMOVD   AX, X1

#define PICK(k) \
	MOVL    (k*4)(SI)(BX*4), AX \
	VPINSRB $k, (R9)(AX*1), X1, X1

// The same where cells are 1<<CX bytes apart.
#define FIRSTAPART \
	MOVL    (SI)(BX*4), AX  \
	SHLXQ   CX, AX, AX      \
	MOVBLZX (R9)(AX*1), AX  \
	VMOVD   AX, X1

#define PICKAPART(k) \
	MOVL    (k*4)(SI)(BX*4), AX \
	SHLXQ   CX, AX, AX          \
	VPINSRB $k, (R9)(AX*1), X1, X1

#define SIXTEEN(first, pick) \
	first            \
	pick(1)          \
	pick(2)          \
	pick(3)          \
	pick(4)          \
	pick(5)          \
	pick(6)          \
	pick(7)          \
	pick(8)          \
	pick(9)          \
	pick(10)         \
	pick(11)         \
	pick(12)         \
	pick(13)         \
	pick(14)         \
	pick(15)

// ROUTES packs the router's 256 bytes into the 256 bits of Y16.
#define ROUTES \
	VMOVDQU8   (R12), Z0        \
	VMOVDQU8   64(R12), Z1      \
	VMOVDQU8   128(R12), Z2     \
	VMOVDQU8   192(R12), Z3     \
	VPTESTMB   Z0, Z0, K1       \
	VPTESTMB   Z1, Z1, K2       \
	VPTESTMB   Z2, Z2, K3       \
	VPTESTMB   Z3, Z3, K4       \
	KMOVQ      K1, AX           \
	KMOVQ      K2, R10          \
	VMOVQ      AX, X0           \
	VPINSRQ    $1, R10, X0, X0  \
	KMOVQ      K3, AX           \
	KMOVQ      K4, R10          \
	VMOVQ      AX, X1           \
	VPINSRQ    $1, R10, X1, X1  \
	VINSERTI32X4 $1, X1, Y0, Y16 \
	MOVL       $1, AX           \
	VPBROADCASTD AX, Z17

// PARTSIXTEEN parts the sixteen rows whose bins are in X1: of each bin b, bit
// b%32 of word b/32 of the router says whether the row goes left. A store
// writes sixteen places, of which those past the rows that go there lie before
// the next rows to be read.
#define PARTSIXTEEN \
	VMOVDQU32   (SI)(BX*4), Z0  \
	VPMOVZXBD   X1, Z1          \
	VPSRLD      $5, Z1, Z2      \
	VPERMD      Z16, Z2, Z2     \
	VPRORVD     Z1, Z2, Z2      \
	VPTESTMD    Z17, Z2, K1     \
	KNOTW       K1, K2          \
	VPCOMPRESSD.Z Z0, K1, Z3      \
	VPCOMPRESSD.Z Z0, K2, Z4      \
	KMOVW       K1, AX          \
	VMOVDQU32   Z3, (SI)(DX*4)  \
	VMOVDQU32   Z4, (DI)(R13*4) \
	POPCNTL     AX, AX          \
	ADDQ        AX, DX          \
	ADDQ        $16, BX         \
	MOVQ        BX, R13         \
	SUBQ        DX, R13

// func divideRows16(rows, right *uint32, n int, column, router *uint8) int
//
// n is a multiple of 16, above 0.
TEXT ·divideRows16(SB), NOSPLIT, $0-48
	MOVQ rows+0(FP), SI
	MOVQ right+8(FP), DI
	MOVQ n+16(FP), R11
	MOVQ column+24(FP), R9
	MOVQ router+32(FP), R12
	XORQ BX, BX          // place
	XORQ DX, DX          // rows that went left
	XORQ R13, R13        // and right
	ROUTES
next:
	SIXTEEN(FIRST, PICK)
	PARTSIXTEEN
	CMPQ BX, R11
	JLT  next
	MOVQ DX, ret+40(FP)
	VZEROUPPER
	RET

// func divideRecords16(rows, right *uint32, n int, column, router *uint8, shift int) int
//
// n is a multiple of 16, above 0.
TEXT ·divideRecords16(SB), NOSPLIT, $0-56
	MOVQ rows+0(FP), SI
	MOVQ right+8(FP), DI
	MOVQ n+16(FP), R11
	MOVQ column+24(FP), R9
	MOVQ router+32(FP), R12
	MOVQ shift+40(FP), CX
	XORQ BX, BX          // place
	XORQ DX, DX          // rows that went left
	XORQ R13, R13        // and right
	ROUTES
next:
	SIXTEEN(FIRSTAPART, PICKAPART)
	PARTSIXTEEN
	CMPQ BX, R11
	JLT  next
	MOVQ DX, ret+48(FP)
	VZEROUPPER
	RET

// The constants of exp, as in gradients_amd64.s.
#define CONST(name, bits) \
	DATA name<>+0(SB)/8, $bits \
	GLOBL name<>(SB), RODATA|NOPTR, $8

CONST(most, 0x4085E00000000000)     // 700
CONST(least, 0xC085E00000000000)    // -700
CONST(log2e, 0x3FF71547652B82FE)
CONST(magic, 0x4338000000000000)    // 1.5 * 2^52
CONST(ln2hi, 0x3FE62E42FEE00000)
CONST(ln2lo, 0x3DEA39EF35793C76)
CONST(bias, 1023)
CONST(one, 0x3FF0000000000000)
CONST(sign, 0x8000000000000000)
CONST(f13, 0x3DE6124613A86D09)      // 1/13!
CONST(f12, 0x3E21EED8EFF8D898)
CONST(f11, 0x3E5AE64567F544E4)
CONST(f10, 0x3E927E4FB7789F5C)
CONST(f9, 0x3EC71DE3A556C734)
CONST(f8, 0x3EFA01A01A01A01A)
CONST(f7, 0x3F2A01A01A01A01A)
CONST(f6, 0x3F56C16C16C16C17)
CONST(f5, 0x3F81111111111111)
CONST(f4, 0x3FA5555555555555)
CONST(f3, 0x3FC5555555555555)
CONST(f2, 0x3FE0000000000000)

// The places of eight first and eight second derivatives, taken in turn.
DATA turns<>+0(SB)/8, $0x0000001000000000
DATA turns<>+8(SB)/8, $0x0000001100000001
DATA turns<>+16(SB)/8, $0x0000001200000002
DATA turns<>+24(SB)/8, $0x0000001300000003
DATA turns<>+32(SB)/8, $0x0000001400000004
DATA turns<>+40(SB)/8, $0x0000001500000005
DATA turns<>+48(SB)/8, $0x0000001600000006
DATA turns<>+56(SB)/8, $0x0000001700000007
GLOBL turns<>(SB), RODATA|NOPTR, $64

// Two groups of rows go side by side, since each is a chain of forty operations
// that wait for each other: x in Z0 and Z6, r in Z1 and Z7, the sum in Z2
// and Z8, 2^k in Z3 and Z9.
#define STEP(c) \
	VMULPD Z1, Z2, Z2 \
	VMULPD Z7, Z8, Z8 \
	VADDPD c, Z2, Z2 \
	VADDPD c, Z8, Z8

// func logistic16(score, label *float64, out *pair, n int)
//
// n is a multiple of 16, above 0.
TEXT ·logistic16(SB), NOSPLIT, $0-32
	MOVQ score+0(FP), SI
	MOVQ label+8(FP), DX
	MOVQ out+16(FP), DI
	MOVQ n+24(FP), CX
	VBROADCASTSD sign<>(SB), Z12
	VBROADCASTSD most<>(SB), Z13
	VBROADCASTSD least<>(SB), Z14
	VBROADCASTSD one<>(SB), Z15
	VBROADCASTSD log2e<>(SB), Z16
	VBROADCASTSD magic<>(SB), Z17
	VBROADCASTSD ln2hi<>(SB), Z18
	VBROADCASTSD ln2lo<>(SB), Z19
	VBROADCASTSD f13<>(SB), Z20
	VBROADCASTSD f12<>(SB), Z21
	VBROADCASTSD f11<>(SB), Z22
	VBROADCASTSD f10<>(SB), Z23
	VBROADCASTSD f9<>(SB), Z24
	VBROADCASTSD f8<>(SB), Z25
	VBROADCASTSD f7<>(SB), Z26
	VBROADCASTSD f6<>(SB), Z27
	VBROADCASTSD f5<>(SB), Z28
	VBROADCASTSD f4<>(SB), Z29
	VBROADCASTSD f3<>(SB), Z30
	VMOVDQU32 turns<>(SB), Z31
logistic:
	VXORPD (SI), Z12, Z0          // x = -score
	VXORPD 64(SI), Z12, Z6
	VMINPD Z13, Z0, Z0
	VMINPD Z13, Z6, Z6
	VMAXPD Z14, Z0, Z0
	VMAXPD Z14, Z6, Z6
	VMULPD Z16, Z0, Z3
	VMULPD Z16, Z6, Z9
	VADDPD Z17, Z3, Z3           // t; its low bits are k
	VADDPD Z17, Z9, Z9
	VSUBPD Z17, Z3, Z4           // k as a number
	VSUBPD Z17, Z9, Z10
	VMULPD Z18, Z4, Z5
	VMULPD Z18, Z10, Z11
	VSUBPD Z5, Z0, Z1
	VSUBPD Z11, Z6, Z7
	VMULPD Z19, Z4, Z5
	VMULPD Z19, Z10, Z11
	VSUBPD Z5, Z1, Z1            // r
	VSUBPD Z11, Z7, Z7
	VMULPD Z1, Z20, Z2
	VMULPD Z7, Z20, Z8
	VADDPD Z21, Z2, Z2
	VADDPD Z21, Z8, Z8
	STEP(Z22)
	STEP(Z23)
	STEP(Z24)
	STEP(Z25)
	STEP(Z26)
	STEP(Z27)
	STEP(Z28)
	STEP(Z29)
	STEP(Z30)
	VMULPD Z1, Z2, Z2
	VMULPD Z7, Z8, Z8
	VADDPD.BCST f2<>(SB), Z2, Z2
	VADDPD.BCST f2<>(SB), Z8, Z8
	STEP(Z15)
	STEP(Z15)
	VPADDQ.BCST bias<>(SB), Z3, Z3
	VPADDQ.BCST bias<>(SB), Z9, Z9
	VPSLLQ $52, Z3, Z3           // 2^k
	VPSLLQ $52, Z9, Z9
	VMULPD Z3, Z2, Z2            // exp(x)
	VMULPD Z9, Z8, Z8
	VADDPD Z15, Z2, Z2
	VADDPD Z15, Z8, Z8
	VDIVPD Z2, Z15, Z2           // p
	VDIVPD Z8, Z15, Z8
	VSUBPD (DX), Z2, Z4          // p - label
	VSUBPD 64(DX), Z8, Z10
	VSUBPD Z2, Z15, Z5
	VSUBPD Z8, Z15, Z11
	VMULPD Z5, Z2, Z5            // p (1-p)
	VMULPD Z11, Z8, Z11
	VCVTPD2PS Z4, Y4
	VCVTPD2PS Z10, Y10
	VCVTPD2PS Z5, Y5
	VCVTPD2PS Z11, Y11
	VPERMT2PS Z5, Z31, Z4
	VPERMT2PS Z11, Z31, Z10
	VMOVUPS Z4, (DI)
	VMOVUPS Z10, 64(DI)
	ADDQ $128, SI
	ADDQ $128, DX
	ADDQ $128, DI
	SUBQ $16, CX
	JNZ  logistic
	VZEROUPPER
	RET

// Multiples of 0x9E3779B1 by 0, 1, 4, 5, 2, 3, 6, 7: unpacked, the rows come
// in order.
DATA lane8<>+0(SB)/4, $0
DATA lane8<>+4(SB)/4, $0x9E3779B1
DATA lane8<>+8(SB)/4, $0x78DDE6C4
DATA lane8<>+12(SB)/4, $0x17156075
DATA lane8<>+16(SB)/4, $0x3C6EF362
DATA lane8<>+20(SB)/4, $0xDAA66D13
DATA lane8<>+24(SB)/4, $0xB54CDA26
DATA lane8<>+28(SB)/4, $0x538453D7
GLOBL lane8<>(SB), RODATA|NOPTR, $32
CONST(fraction, 0x3EF0000000000000) // 2^-16

// func round8(dst *cell, src *pair, n int, row, key uint32, gScale, hScale float64) cell
//
// n is a multiple of 8, above 0.
TEXT ·round8(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	MOVL row+24(FP), AX
	MOVL key+28(FP), DX
	IMULL $0x9E3779B1, AX
	ADDL DX, AX
	VPBROADCASTD AX, Y0
	VPADDD lane8<>(SB), Y0, Y0   // row*c + key of eight rows
	MOVL $0xF1BBCD88, AX         // 8 * 0x9E3779B1
	VPBROADCASTD AX, Y1
	MOVL $0x85EBCA6B, AX
	VPBROADCASTD AX, Y2
	MOVL $0xC2B2AE35, AX
	VPBROADCASTD AX, Y3
	MOVL $0xFFFF, AX
	VPBROADCASTD AX, Y4
	VBROADCASTSD fraction<>(SB), Z5
	VBROADCASTSD gScale+32(FP), Z6
	VBROADCASTSD hScale+40(FP), Z7
	VUNPCKLPD Z7, Z6, Z6         // g h g h
	VPXOR X15, X15, X15
rounding:
	VPSRLD $16, Y0, Y8
	VPXOR Y0, Y8, Y8
	VPMULLD Y2, Y8, Y8
	VPSRLD $13, Y8, Y9
	VPXOR Y9, Y8, Y8
	VPMULLD Y3, Y8, Y8
	VPSRLD $16, Y8, Y9
	VPXOR Y9, Y8, Y8             // u
	VPADDD Y1, Y0, Y0
	VPSRLD $16, Y8, Y9
	VPAND Y4, Y8, Y8
	VPUNPCKLDQ Y8, Y9, Y10       // hi0 lo0 hi1 lo1 hi2 lo2 hi3 lo3
	VPUNPCKHDQ Y8, Y9, Y11
	VCVTDQ2PD Y10, Z10
	VCVTDQ2PD Y11, Z11
	VMULPD Z5, Z10, Z10
	VMULPD Z5, Z11, Z11
	VCVTPS2PD (SI), Z12
	VCVTPS2PD 32(SI), Z13
	VMULPD Z6, Z12, Z12
	VMULPD Z6, Z13, Z13
	VADDPD Z10, Z12, Z12
	VADDPD Z11, Z13, Z13
	VRNDSCALEPD $1, Z12, Z12     // down
	VRNDSCALEPD $1, Z13, Z13
	VCVTTPD2DQ Z12, Y12
	VCVTTPD2DQ Z13, Y13
	VPSHUFD $0xB1, Y12, Y12      // h0 g0 h1 g1 ...: four cells
	VPSHUFD $0xB1, Y13, Y13
	VPADDQ Y12, Y15, Y15
	VPADDQ Y13, Y15, Y15
	VMOVDQU Y12, (DI)
	VMOVDQU Y13, 32(DI)
	ADDQ $64, SI
	ADDQ $64, DI
	SUBQ $8, CX
	JNZ  rounding
	VEXTRACTI128 $1, Y15, X14
	VPADDQ X14, X15, X15
	VPSRLDQ $8, X15, X14
	VPADDQ X14, X15, X15
	VMOVQ X15, AX
	MOVQ AX, ret+48(FP)
	VZEROUPPER
	RET

// COUNT leaves in AX the number of the sixteen bounds in two registers or
// places that are below the number in every lane of Z0.
#define COUNT(a, b) \
	VCMPPD   $0x1E, a, Z0, K1 \
	VCMPPD   $0x1E, b, Z0, K2 \
	KUNPCKBW K1, K2, K1       \
	KMOVW    K1, AX           \
	POPCNTL  AX, AX

// func countBelow512(dst *uint8, src *float64, n int, bound *[256]float64, every16th *[16]float64)
TEXT ·countBelow512(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ bound+24(FP), R8
	MOVQ every16th+32(FP), DX
	VMOVUPD 0(DX), Z8
	VMOVUPD 64(DX), Z9
	LEAQ (SI)(CX*8), R9
search:
	VBROADCASTSD (SI), Z0
	COUNT(Z8, Z9)
	MOVL AX, R11
	SHLL $7, R11                 // 128 bytes for each run of sixteen
	LEAQ (R8)(R11*1), R10
	SHRL $3, R11                 // 16 bins for each run
	COUNT((R10), 64(R10))
	ADDL R11, AX
	MOVB AX, (DI)
	ADDQ $8, SI
	INCQ DI
	CMPQ SI, R9
	JNE  search
	VZEROUPPER
	RET
