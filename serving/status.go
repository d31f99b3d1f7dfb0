// SPDX-License-Identifier: Apache-2.0

package serving

import (
	"context"
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/assayrisk/assay"
	"github.com/assayrisk/assay/ledger/journal"
	"github.com/assayrisk/assay/ledger/vault"
	"github.com/assayrisk/assay/serving/auth"
	"github.com/assayrisk/assay/serving/engine"
)

// statusTable maps our kinds of error to codes; the first that matches counts. With
// public the caller gets the error's own text. All other errors are INTERNAL, and
// their text goes to the server's log only.
var statusTable = [...]struct {
	kind   error
	code   codes.Code
	public bool
}{
	{auth.ErrUnauthenticated, codes.Unauthenticated, true},
	{auth.ErrForbidden, codes.PermissionDenied, true},
	{vault.ErrErased, codes.FailedPrecondition, false}, // before ErrUnavailable: asking again would not help
	{journal.ErrRetired, codes.FailedPrecondition, false},
	{assay.ErrCorrupt, codes.Internal, false},
	{assay.ErrInvalid, codes.InvalidArgument, true},
	{assay.ErrConflict, codes.AlreadyExists, true},
	{assay.ErrNotFound, codes.NotFound, true},
	{assay.ErrExhausted, codes.ResourceExhausted, true},
	{assay.ErrPrecondition, codes.FailedPrecondition, true},
	{assay.ErrUnavailable, codes.Unavailable, false},
	{context.DeadlineExceeded, codes.DeadlineExceeded, false},
	{context.Canceled, codes.Canceled, false},
}

// publicMessages are what the caller gets in place of an error's own text.
var publicMessages = map[codes.Code]string{
	codes.Internal: "internal error; the server's log says more",
	codes.FailedPrecondition: "the record cannot be read any more: its subject was erased, or its retention period " +
		"has passed",
	codes.Unavailable: "the server is draining or cannot make records durable; try again with the same " +
		"request id",
	codes.DeadlineExceeded: "the deadline passed; try again with the same request id",
	codes.Canceled:         "the call was cancelled",
}

// classify returns the code of an error and the text for the caller.
func classify(err error) (codes.Code, string) {
	for i := range statusTable {
		if errors.Is(err, statusTable[i].kind) {
			if statusTable[i].public {
				return statusTable[i].code, err.Error()
			}
			return statusTable[i].code, publicMessages[statusTable[i].code]
		}
	}
	return codes.Internal, publicMessages[codes.Internal]
}

// statusOf returns the gRPC status of err; err itself if it is one or is nil.
func statusOf(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(interface{ GRPCStatus() *status.Status }); ok {
		return err
	}
	code, text := classify(err)
	st := status.New(code, text)
	var field *assay.FieldError
	if code == codes.InvalidArgument && errors.As(err, &field) {
		if with, err := st.WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: field.Field, Description: field.Problem},
		}}); err == nil {
			st = with
		}
	}
	var retry *engine.RetryError
	if errors.As(err, &retry) {
		if with, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retry.After)}); err == nil {
			st = with
		}
	}
	return st.Err()
}

// isRefusal reports whether a code says that the call is at fault, not the server.
func isRefusal(c codes.Code) bool {
	switch c {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.Unauthenticated,
		codes.ResourceExhausted,
		codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented:
		return true
	}
	return false
}
