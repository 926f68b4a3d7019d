package tbotbinary

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/tbotlog"
)

// What the folder of a run holds.
const (
	folderPrefix  = "tbotctl-for-tbot-"
	configFile    = "tbot.yaml"
	tokenPipe     = "token"
	authorityFile = "proxy-ca.pem"
)

// Config is what a tbot is run with.
type Config struct {
	// Tbot is the tbot.yaml of the pod.
	Tbot tbotconfig.Config
	// Version is the release of the tbot that runs it, as Binary.Version tells.
	Version string
	// Namespace is the pod's.
	Namespace string
	// ProxyCA is the proxy's own authority in PEM form; empty means the system's roots. On macOS and Windows tbot knows the system's
	// roots alone.
	ProxyCA string
	// Insecure accepts any certificate of the proxy.
	Insecure bool
	// Environ is where what is passed on comes from, as os.Environ gives it; nil is this process's own.
	Environ []string
}

// Result is what came of one run.
type Result struct {
	// Account is what tbot said.
	Account tbotlog.Account
	// LeftOut are the outputs that were not tried.
	LeftOut []LeftOut
}

// Failed is a tbot that ended otherwise than well.
type Failed struct {
	// Joined says that Teleport let it in, so that it is the outputs that failed.
	Joined bool
	// Words are why, in its own words.
	Words string
	Err   error
}

func (f *Failed) Error() string {
	if f.Words == "" {
		return fmt.Sprintf("tbot failed and did not say why: %v", f.Err)
	}
	return "tbot failed: " + f.Words
}

func (f *Failed) Unwrap() error { return f.Err }

// Run starts `tbot start --oneshot` and follows what it says, which is foreign text, until it ends. The error is nil where it joined and
// generated every output but those left out, and *Failed where it said no. Its files are private, hold no secret, and are gone afterwards,
// also where ctx ends the run: tbot is then asked to end, and made to a little later. The token comes to it through a pipe.
func (b Binary) Run(ctx context.Context, c Config, token spec.Secret, follow func(line string)) (result Result, err error) {
	local, left, err := inMemory(c.Tbot, c.Version, c.Insecure)
	if err != nil {
		return Result{}, err
	}
	result.LeftOut = left
	folder, err := os.MkdirTemp("", folderPrefix)
	if err != nil {
		return result, fmt.Errorf("making a folder for tbot's files: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	own, err := c.write(folder, local)
	if err != nil {
		return result, err
	}

	// Where the token cannot be handed over any more, tbot would wait for it without end.
	running, stop := context.WithCancel(ctx)
	defer stop()
	ready, served := make(chan struct{}), make(chan error, 1)
	go func() {
		err := serveToken(running, filepath.Join(folder, tokenPipe), token, func() { close(ready) })
		if err != nil {
			stop()
		}
		served <- err
	}()
	select {
	case <-ready:
	case err := <-served:
		return result, err
	}
	var reader tbotlog.Reader
	err = b.start(running, folder, environment(c.environ(), own), &lines{hidden: token, each: func(line string) {
		reader.Line(line)
		if follow != nil {
			follow(line)
		}
	}})
	stop()
	unserved := <-served
	result.Account = reader.Account()
	var ended *exec.ExitError
	switch {
	case unserved != nil:
		return result, unserved
	case ctx.Err() != nil:
		return result, fmt.Errorf("tbot was ended before it was done: %w", ctx.Err())
	case errors.As(err, &ended):
		return result, &Failed{Joined: result.Account.Joined, Words: words(result.Account), Err: err}
	}
	return result, err
}

// write fills the folder, and gives the variables that tell tbot of it.
func (c Config) write(folder string, local tbotconfig.Config) (own []string, err error) {
	text, err := tbotconfig.Encode(local)
	if err != nil {
		return nil, fmt.Errorf("writing a tbot.yaml for this machine: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, configFile), text, 0o600); err != nil {
		return nil, fmt.Errorf("writing the file for tbot: %w", err)
	}
	own = []string{
		"KUBERNETES_TOKEN_PATH=" + filepath.Join(folder, tokenPipe), "POD_NAMESPACE=" + c.Namespace, "TELEPORT_ANONYMOUS_TELEMETRY=0",
	}
	if c.ProxyCA != "" {
		path := filepath.Join(folder, authorityFile)
		if err := os.WriteFile(path, []byte(c.ProxyCA), 0o600); err != nil {
			return nil, fmt.Errorf("writing the proxy's authority for tbot: %w", err)
		}
		own = append(own, "SSL_CERT_FILE="+path)
	}
	return own, nil
}

func (c Config) environ() []string {
	if c.Environ != nil {
		return c.Environ
	}
	return os.Environ()
}

// start runs tbot to its end. The arguments hold a path and nothing else: everybody on the machine can read them.
func (b Binary) start(ctx context.Context, folder string, env []string, said *lines) error {
	command := exec.CommandContext(ctx, b.Path, "start", "--config="+filepath.Join(folder, configFile), "--oneshot", "--log-format=json") //nolint:gosec // the user's own tbot
	command.Env, command.Dir = env, folder
	// One writer for both: the package then never writes to it from two goroutines.
	command.Stdout, command.Stderr = said, said
	command.Cancel = func() error { return interrupt(command.Process) }
	command.WaitDelay = graceTime
	err := command.Run()
	if len(said.rest) > 0 {
		said.end()
	}
	return err
}

// words is why a tbot failed, by what it said.
func words(a tbotlog.Account) string {
	if !a.Joined {
		return a.JoinErr
	}
	var said []string
	for _, output := range a.Outputs {
		if output.Err != "" {
			said = append(said, strings.TrimPrefix(output.Name+": "+output.Err, ": "))
		}
	}
	if a.Err != "" {
		said = append(said, a.Err)
	}
	return strings.Join(said, "; ")
}
