//go:build !unix

package tbotbinary

import (
	"context"
	"errors"
	"os"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// serveToken gives up: there are no named pipes in a folder here, and a token in a file would lie on a disk.
func serveToken(context.Context, string, spec.Secret, func()) error {
	return errors.New("the binary runtime is not available on this system, which has no named pipes for the token; use the runtime embedded or pod")
}

// interrupt ends a process: it cannot be asked here.
func interrupt(process *os.Process) error { return process.Kill() }
