// Package tbotbinary runs the tbot on PATH once, with the configuration of a Deployment and a token of its service account, every
// destination in memory. It leaves no file and no process behind, and lets the token lie nowhere; what the run means is its caller's.
package tbotbinary

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// graceTime is how long a tbot that was asked to end may take for it.
const graceTime = 5 * time.Second

// versionTimeout bounds `tbot version`, which asks nobody.
const versionTimeout = 15 * time.Second

// Binary is one tbot executable.
type Binary struct {
	// Path is where it is.
	Path string
}

// Look finds tbot: at path, or on PATH where that is empty. Only what stands in a folder of PATH by its absolute path is run.
func Look(path string) (Binary, error) {
	if path == "" {
		found, err := exec.LookPath("tbot")
		if err != nil {
			return Binary{}, fmt.Errorf("looking for tbot on PATH: %w; install it from https://goteleport.com/download, or use another --runtime", err)
		}
		return Binary{Path: found}, nil
	}
	found, err := exec.LookPath(path)
	if err != nil {
		return Binary{}, fmt.Errorf("looking for tbot: %w", err)
	}
	return Binary{Path: found}, nil
}

// versionLine is what `tbot version` prints, such as "Teleport v18.2.0 git:v18.2.0-0-gabc go1.24.6" or "Teleport Enterprise v18.2.0 ...".
var versionLine = regexp.MustCompile(`^Teleport(?: [A-Za-z]+)* (v[0-9][0-9A-Za-z.+-]*)`)

// Version asks the tbot for its release, such as 18.2.0.
func (b Binary) Version(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	command := exec.CommandContext(ctx, b.Path, "version") //nolint:gosec // the user's own tbot
	command.Env = environment(os.Environ(), nil)
	command.WaitDelay = graceTime
	said, err := command.Output()
	if err != nil {
		if ended := ctx.Err(); ended != nil {
			err = ended
		}
		return "", fmt.Errorf("asking %s for its version: %w%s", b.Path, err, complaint(err))
	}
	for line := range bytes.Lines(said) {
		found := versionLine.FindSubmatch(bytes.TrimSpace(line))
		if found != nil && semver.IsValid(string(found[1])) {
			return strings.TrimPrefix(string(found[1]), "v"), nil
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(said[:min(len(said), 200)])), "\n")
	return "", fmt.Errorf("%s is no tbot that tbotctl knows: its `version` says %s, not \"Teleport v...\"", b.Path, spec.Quote(first))
}

// complaint is the first line that a program which failed wrote to stderr.
func complaint(err error) string {
	var failed *exec.ExitError
	if !errors.As(err, &failed) {
		return ""
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(failed.Stderr)), "\n")
	if first == "" {
		return ""
	}
	return ": " + first
}

// Fits says why a tbot does not go with a server, nil where it does: it may be of the server's major release or the one before
// (teleport-facts 4.6). A server turns away what is older, and knows not all that a newer tbot asks for.
func Fits(version, server string) error {
	mine, theirs := semver.Major("v"+version), semver.Major("v"+server)
	if mine == "" || theirs == "" {
		return fmt.Errorf("tbot %s cannot be held against Teleport %s: give both as X.Y.Z", spec.Quote(version), spec.Quote(server))
	}
	var tbot, teleport int
	if _, err := fmt.Sscanf(mine+" "+theirs, "v%d v%d", &tbot, &teleport); err != nil {
		return fmt.Errorf("tbot %s cannot be held against Teleport %s: %w", version, server, err)
	}
	switch {
	case tbot > teleport:
		return fmt.Errorf("tbot %s is newer than Teleport %s; use a tbot of %d", version, server, teleport)
	case tbot < teleport-1:
		return fmt.Errorf("tbot %s is too old for Teleport %s, which takes tbots of %d and %d", version, server, teleport-1, teleport)
	}
	return nil
}
