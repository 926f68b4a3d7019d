// Command teleportd runs the Teleport test cluster as a process of its own, for the demo and for tests of the built
// binary. It is no part of what is shipped, and keeps its state in memory: --dir gets credentials alone.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// identityTTL outlives any demo.
const identityTTL = 12 * time.Hour

// ready is the one line on stdout that says that the cluster can be used.
type ready struct {
	Proxy       string `json:"proxy"`
	ClusterName string `json:"clusterName"`
	Dir         string `json:"dir"`
}

type config struct {
	dir     string
	oidcMap addressMap
	oidcCA  string
	options teleporttest.Options
}

// run serves until ctx is done or stdin ends, so that the process dies with the parent that holds the other end. It
// returns 0 after that, 2 for bad flags and 1 for anything else.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return fail(stderr, err, 2)
	}
	if err := serve(ctx, cfg, stdin, stdout); err != nil {
		return fail(stderr, err, 1)
	}
	return 0
}

func fail(stderr io.Writer, err error, code int) int {
	// Where stderr is gone, the exit code has to say it all.
	_, _ = fmt.Fprintf(stderr, "teleportd: %v\n", err)
	return code
}

func parse(args []string, stderr io.Writer) (config, error) {
	cfg := config{oidcMap: addressMap{}, options: teleporttest.Options{Log: stderr}}
	flags := flag.NewFlagSet("teleportd", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&cfg.dir, "dir", "", "`folder` for web-ca.pem and admin.identity (required)")
	flags.StringVar(&cfg.options.ClusterName, "cluster-name", "lab.example.com", "`name` of the Teleport cluster")
	flags.StringVar(&cfg.options.Version, "version", "18.2.0", "server `version`; its major version chooses the behaviour")
	flags.StringVar(&cfg.options.ListenAddr, "listen", "127.0.0.1:0", "`address` to listen on")
	flags.StringVar(&cfg.options.PublicName, "public-name", "", "further host `name` of the proxy")
	flags.BoolVar(&cfg.options.AdminMFA, "admin-mfa", false, "demand MFA for admin actions")
	flags.Var(cfg.oidcMap, "oidc-map", "`name=address`: reach the host name of an issuer at this address (repeatable)")
	flags.StringVar(&cfg.oidcCA, "oidc-ca", "", "PEM `file` with the CAs to trust for issuers, instead of the system's")
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	switch {
	case flags.NArg() > 0:
		return config{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case cfg.dir == "":
		return config{}, errors.New("--dir is required")
	}
	return cfg, nil
}

func serve(ctx context.Context, cfg config, stdin io.Reader, stdout io.Writer) (err error) {
	cfg.options.OIDCClient, err = oidcClient(cfg.oidcMap, cfg.oidcCA)
	if err != nil {
		return err
	}
	cluster, err := teleporttest.Start(cfg.options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Close()) }()
	if err := writeCredentials(cluster, cfg.dir); err != nil {
		return err
	}
	line := ready{Proxy: cluster.Addr(), ClusterName: cluster.ClusterName(), Dir: cfg.dir}
	if err := json.NewEncoder(stdout).Encode(line); err != nil {
		return fmt.Errorf("printing the ready line: %w", err)
	}
	select {
	case <-ctx.Done():
	case <-ended(stdin):
	}
	return nil
}

// ended is closed when a reader has nothing more to give.
func ended(r io.Reader) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		// What is read and why it ended are both of no interest: the other end is gone.
		_, _ = io.Copy(io.Discard, r)
	}()
	return done
}

func writeCredentials(cluster *teleporttest.Cluster, dir string) error {
	identity, err := cluster.IdentityFile("admin", identityTTL)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the state folder: %w", err)
	}
	for name, content := range map[string][]byte{"web-ca.pem": cluster.WebCAPEM(), "admin.identity": identity} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}
