package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/manifests"
)

// The exit codes of cli.md; scripts rely on them, so they are only ever added to (docs/adr/0005).
const (
	exitOK        = 0
	exitFailed    = 1
	exitUsage     = 2
	exitFinding   = 3
	exitLogin     = 4
	exitUnknown   = 5
	exitCancelled = 130
)

// usageError is a command line that cannot be meant.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error { return &usageError{err} }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// findingError is a run that ended by what it found: checks, conflicts, a proof that was refused.
type findingError struct {
	text string
	// causes are the errors behind it; the one that a person has to mend first gives the exit code.
	causes []error
}

func (e *findingError) Error() string   { return e.text }
func (e *findingError) Unwrap() []error { return e.causes }

// unknownError is a run that saw nothing wrong and could not look everywhere.
type unknownError struct{ text string }

func (e *unknownError) Error() string { return e.text }

// errDeclined is a no to a question.
var errDeclined = errors.New("nothing was applied")

// exitCode maps error kinds to exit codes; the order says which of several causes counts.
func exitCode(ctx context.Context, err error) int {
	var (
		usage   *usageError
		invalid *spec.Invalid
		finding *findingError
		refused *tbot.Refused
		slow    *apply.NotReady
		unseen  *unknownError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, prompt.ErrCancelled), errors.Is(err, errDeclined), errors.Is(ctx.Err(), context.Canceled):
		return exitCancelled
	case errors.As(err, &usage), errors.As(err, &invalid), errors.Is(err, manifests.ErrNotReady), kube.Is(err, kube.Config),
		issuer.Is(err, issuer.TypeImpossible), issuer.Is(err, issuer.BadJWKS):
		return exitUsage
	case kube.Is(err, kube.Login), teleport.Is(err, teleport.NotLoggedIn), issuer.Is(err, issuer.LoginExpired):
		return exitLogin
	case errors.As(err, &refused), errors.As(err, &slow), isFindingOfServer(err):
		return exitFinding
	case kube.Is(err, kube.Unreachable), teleport.Is(err, teleport.Unreachable), teleport.Is(err, teleport.NotTeleport), issuer.Is(err, issuer.Unreachable):
		return exitFailed
	case errors.As(err, &finding):
		return exitFinding
	case errors.As(err, &unseen):
		return exitUnknown
	}
	return exitFailed
}

// isFindingOfServer tells what a server refused for a reason that a person can mend: a right, a policy, somebody else's object.
func isFindingOfServer(err error) bool {
	for _, kind := range []kube.Kind{kube.Forbidden, kube.Refused, kube.Conflict, kube.Invalid} {
		if kube.Is(err, kind) {
			return true
		}
	}
	for _, kind := range []teleport.Kind{teleport.Denied, teleport.MFARequired, teleport.Exists, teleport.Invalid} {
		if teleport.Is(err, kind) {
			return true
		}
	}
	return false
}

// explain puts a broken-off run in a person's words.
func explain(ctx context.Context, err error) error {
	var left *brokenOff
	switch {
	case errors.As(err, &left):
		return left
	case errors.Is(err, prompt.ErrCancelled) && ctx.Err() == nil:
		return errors.New("cancelled; nothing was applied")
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("interrupted: %w", err)
	}
	return err
}
