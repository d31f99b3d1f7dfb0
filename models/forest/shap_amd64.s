// SPDX-License-Identifier: Apache-2.0

//go:build amd64 && !purego

#include "textflag.h"

DATA one<>+0(SB)/8, $1.0
GLOBL one<>(SB), RODATA|NOPTR, $8

// SIDES leaves in R8 and R9 the edges from the node at SI, whose left edge is
// R10, to the side that the vector goes to and to the other. codes are at R11.
#define SIDES \
	MOVL    0(SI), AX;          \
	MOVBLZX (R11)(AX*1), AX;    \
	XORL    BX, BX;             \
	CMPL    AX, 16(SI);         \
	SETHI   BX;                 \
	LEAQ    (R10)(BX*1), R8;    \
	LEAQ    1(R10), R9;         \
	SUBQ    BX, R9

// func shapAVX2(a *shapArgs)
TEXT ·shapAVX2(SB), NOSPLIT, $0-8
	MOVQ         a+0(FP), DI
	MOVQ         0(DI), SI           // node
	MOVQ         8(DI), CX           // nodes left
	MOVQ         64(DI), R11
	VBROADCASTSD one<>(SB), Y15

	// The product at the root is 1, and every test above it is passed.
	MOVQ 32(DI), AX
	XORL BX, BX

ones:
	VMOVUPD Y15, (AX)(BX*1)
	ADDQ    $32, BX
	CMPQ    BX, 80(DI)
	JNE     ones
	MOVQ    48(DI), AX
	MOVQ    $-1, (AX)
	MOVL    $1, R10

	// Down.
down:
	SIDES
	MOVQ 48(DI), BX
	MOVL 12(SI), R12              // ancestor
	MOVQ (BX)(R12*8), DX          // above
	MOVQ DX, (BX)(R8*8)
	MOVQ $0, (BX)(R9*8)
	ANDQ DX, R12                  // or 0, whose row of inv is all 1

	VMOVQ        DX, X2
	VPBROADCASTQ X2, Y2
	LEAQ         (R8)(R8*2), AX
	LEAQ         (R9)(R9*2), BX
	MOVQ         16(DI), R13
	LEAQ         (R13)(AX*8), AX
	LEAQ         (R13)(BX*8), BX
	VBROADCASTSD 16(AX), Y4       // values
	VBROADCASTSD 16(BX), Y5
	LEAQ         8(AX), R13       // share, or z when above
	TESTQ        DX, DX
	CMOVQNE      AX, R13
	VBROADCASTSD (R13), Y0
	LEAQ         8(BX), R13
	CMOVQNE      BX, R13
	VBROADCASTSD (R13), Y1
	VSUBPD       Y0, Y15, Y3
	VANDPD       Y2, Y3, Y3       // slope

	MOVQ    72(DI), R14           // t
	MOVQ    80(DI), R15
	LEAQ    (R14)(R15*1), R13     // 1-t, or all 1
	MOVQ    24(DI), AX
	TESTQ   DX, DX
	CMOVQEQ AX, R13
	IMULQ   R15, R12
	ADDQ    AX, R12               // inv of the ancestor
	MOVL    8(SI), DX
	IMULQ   R15, DX
	ADDQ    32(DI), DX            // product in
	IMULQ   R15, R8
	IMULQ   R15, R9
	MOVQ    32(DI), AX
	MOVQ    40(DI), BX
	SUBQ    AX, BX                // from product to sum
	ADDQ    AX, R8
	ADDQ    AX, R9
	XORL    AX, AX

downQ:
	VMOVUPD (DX)(AX*1), Y6
	VMULPD  (R12)(AX*1), Y6, Y6
	VMULPD  (R14)(AX*1), Y3, Y7
	VADDPD  Y7, Y0, Y7
	VMULPD  Y7, Y6, Y7
	VMULPD  (R13)(AX*1), Y1, Y8
	VMULPD  Y8, Y6, Y8
	VMOVUPD Y7, (R8)(AX*1)
	VMOVUPD Y8, (R9)(AX*1)
	VMULPD  Y4, Y7, Y7
	VMULPD  Y5, Y8, Y8
	LEAQ    (R8)(BX*1), R15
	VMOVUPD Y7, (R15)(AX*1)
	LEAQ    (R9)(BX*1), R15
	VMOVUPD Y8, (R15)(AX*1)
	ADDQ    $32, AX
	CMPQ    AX, 80(DI)
	JNE     downQ
	ADDQ    $2, R10
	ADDQ    $20, SI
	DECQ    CX
	JNZ     down

	// Up.
	MOVQ 8(DI), CX

up:
	SUBQ $2, R10
	SUBQ $20, SI
	SIDES
	MOVQ 48(DI), BX
	MOVL 12(SI), R12
	MOVQ (BX)(R12*8), DX          // above

	VMOVQ        DX, X2
	VPBROADCASTQ X2, Y2
	MOVQ         16(DI), R13
	LEAQ         (R8)(R8*2), AX
	VBROADCASTSD (R13)(AX*8), Y0
	VSUBPD       Y0, Y15, Y0      // gain
	LEAQ         (R12)(R12*2), AX
	VBROADCASTSD (R13)(AX*8), Y1
	VSUBPD       Y1, Y15, Y1      // gain before
	MOVQ         80(DI), R15
	MOVQ         72(DI), R14
	LEAQ         (R14)(R15*2), R14 // 1/(1-t)
	MOVQ         24(DI), AX
	IMULQ        R15, R12
	ADDQ         AX, R12          // inv of the ancestor
	IMULQ        R15, R8
	IMULQ        R15, R9
	LEAQ         (AX)(R8*1), R13  // inv of the hot edge
	MOVQ         40(DI), AX
	ADDQ         AX, R8           // sums
	ADDQ         AX, R9
	MOVL         8(SI), DX
	IMULQ        R15, DX
	ADDQ         AX, DX           // sum in
	MOVL         4(SI), BX
	IMULQ        R15, BX
	ADDQ         56(DI), BX       // shares
	XORL         AX, AX

upQ:
	VMOVUPD (R8)(AX*1), Y3
	VMOVUPD (R9)(AX*1), Y4
	VADDPD  Y4, Y3, Y5
	VMOVUPD Y5, (DX)(AX*1)
	VMULPD  (R13)(AX*1), Y0, Y6
	VMULPD  Y3, Y6, Y6
	VMULPD  (R14)(AX*1), Y4, Y7
	VSUBPD  Y7, Y6, Y6
	VMULPD  (R12)(AX*1), Y1, Y7
	VMULPD  Y5, Y7, Y7
	VSUBPD  Y7, Y6, Y6
	VANDPD  Y2, Y6, Y6
	VADDPD  (BX)(AX*1), Y6, Y6
	VMOVUPD Y6, (BX)(AX*1)
	ADDQ    $32, AX
	CMPQ    AX, R15
	JNE     upQ
	DECQ    CX
	JNZ     up
	VZEROUPPER
	RET
