package tbot

import (
	"errors"
	"strings"

	"github.com/gravitational/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Refused is a request that Teleport judged and turned down, in Teleport's own words.
type Refused struct {
	// Asked is what was turned down: "the join", or the certificates of an output.
	Asked string
	// Message is the server's text, its lines joined by ": ".
	Message string
	// Via says over which protocol it was asked.
	Via string
}

func (e *Refused) Error() string { return "Teleport refused " + e.Asked + ": " + e.Message }

const askedJoin = "the join"

func refuse(asked, via, message string) *Refused {
	var lines []string
	for line := range strings.Lines(message) {
		if line = strings.TrimSuffix(strings.TrimSpace(line), ":"); line != "" {
			lines = append(lines, line)
		}
	}
	return &Refused{Asked: asked, Message: strings.Join(lines, ": "), Via: via}
}

// grpcVerdict turns the server's own verdict into Refused and leaves as it is what happened on the way, what is a matter of time
// (rate limits) and what the server does not know. An error of no particular kind of Teleport's has the code Unknown
// (teleport-facts 5.5); those are verdicts too, a bad signature for one.
func grpcVerdict(err error, asked, via string) error {
	switch {
	case err == nil:
		return nil
	case trace.IsAccessDenied(err), trace.IsBadParameter(err), trace.IsNotFound(err), trace.IsAlreadyExists(err), trace.IsCompareFailed(err):
		return refuse(asked, via, trace.UserMessage(err))
	}
	var plain interface{ GRPCStatus() *status.Status }
	if errors.As(err, &plain) && plain.GRPCStatus().Code() == codes.Unknown {
		return refuse(asked, via, plain.GRPCStatus().Message())
	}
	return err
}
