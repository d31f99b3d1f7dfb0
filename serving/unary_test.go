// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/assayrisk/assay/serving/assayclient"
	"github.com/assayrisk/assay/serving/auth"
)

// callWith calls a method with so many messages, each empty, and closes its side.
func callWith(ctx context.Context, conn *grpc.ClientConn, method string, messages int) error {
	st, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method,
		grpc.ForceCodecV2(bare{}))
	if err != nil {
		return err
	}
	for range messages {
		if err := st.SendMsg([]byte(nil)); err != nil {
			break // the answer says why
		}
	}
	_ = st.CloseSend()
	var out []byte
	return st.RecvMsg(&out)
}

// takesMany are the methods that take a stream of messages.
func takesMany(method string) bool {
	return strings.HasSuffix(method, "/ScoreStream") || strings.HasSuffix(method, "/ServerReflectionInfo")
}

// oneMessage: every method that takes one message and gets none, or two, says
// whose fault that is.
func (s seen) oneMessage(t *testing.T) {
	n := start(t, t.TempDir(), statusConfig(t))
	conn := n.dial(assayclient.Config{Attempts: 1}).Conn()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-api-key", "all-key")
	for method, need := range auth.Methods() {
		if takesMany(method) {
			if err := callWith(ctx, conn, method, 0); err != io.EOF {
				t.Errorf("%s without a message: %v, want a stream that ends", method, err)
			}
			continue
		}
		into := s
		if need == auth.Public || strings.HasPrefix(method, "/grpc.") { // not in the table
			into = seen{}
		}
		name := strings.TrimPrefix(strings.TrimPrefix(method, "/"), "assay.v1.")
		for messages, want := range map[int]string{0: "without a message", 2: "takes one message"} {
			into.want(t, name, codes.InvalidArgument, want, func() error {
				err := callWith(ctx, conn, method, messages)
				if !has(err, want) {
					t.Errorf("%s with %d messages: %v", method, messages, err)
				}
				return err
			})
		}
		if err := callWith(t.Context(), conn, method, 0); need != auth.Public &&
			status.Code(err) != codes.Unauthenticated {
			t.Errorf("%s without a message and a credential: %v", method, err)
		}
	}
}
