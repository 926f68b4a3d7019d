package cmd_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// The program that the tests on a terminal run is the one that is shipped, wherever that is possible. It cannot be told that a
// public name leads to this machine, by design; so where the cluster's issuer is public this test binary is run as the program,
// which is the same but for the DNS that it looks the issuer up in.

// publicIssuer is the variable that makes a program of this test binary: the issuer's name, where its server listens, and the file
// of its CA, separated by spaces.
const publicIssuer = "TBOTCTL_TEST_PUBLIC_ISSUER"

// program is what cmd/tbotctl's main does.
func program(public string) int {
	cmd.Quiet()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop)
	factory := cmd.NewFactory(ui.System(os.Getenv), os.LookupEnv)
	var name, address, file string
	if _, err := fmt.Sscan(public, &name, &address, &file); err != nil {
		fmt.Fprintln(os.Stderr, publicIssuer, err)
		return 1
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cas := x509.NewCertPool()
	cas.AppendCertsFromPEM(pem)
	factory.Issuer = lab.FetcherAt(name, address, cas)
	return cmd.Main(ctx, factory, os.Args[1:])
}

// built is the program as `go build` makes it, once for all tests of this package.
//
//nolint:gochecknoglobals // TestMain removes what the tests share, and can meet them nowhere else
var built struct {
	once sync.Once
	dir  string
	err  error
}

func builtProgram(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		// Not bound to the first test: others wait for the same build.
		built.dir, built.err = build(context.WithoutCancel(t.Context()))
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "tbotctl")
}

func build(ctx context.Context) (dir string, err error) {
	if dir, err = os.MkdirTemp("", "tbotctl-program-"); err != nil {
		return "", err
	}
	if said, err := exec.CommandContext(ctx, "go", "build", "-o", dir, "./tbotctl").CombinedOutput(); err != nil {
		return dir, fmt.Errorf("building the program: %w: %s", err, said)
	}
	return dir, nil
}

func removeBuilt() int {
	if built.dir == "" {
		return 0
	}
	if err := os.RemoveAll(built.dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// programFor is the path of the program that can see the bench's issuer, and what its environment has to hold for that.
func (b *bench) programFor(t *testing.T) (path string, env []string) {
	t.Helper()
	server := b.plane.IssuerServer()
	if b.plane.Flavour() != testkit.CloudLike || server == nil {
		return builtProgram(t), nil
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "issuer-ca.pem", server.CACertPEM())
	return path, []string{publicIssuer + "=" + strings.Join([]string{server.Host(), server.Addr(), b.path("issuer-ca.pem")}, " ")}
}
