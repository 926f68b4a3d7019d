package cmd

import (
	"crypto/x509"
	"time"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/tctl"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// Factory hands out what commands need. It holds functions and not clients, so that help, version and render never touch a
// kubeconfig.
type Factory struct {
	Streams *ui.Streams
	// LookupEnv reads the environment.
	LookupEnv func(string) (string, bool)
	// Kube connects to a Kubernetes cluster.
	Kube func(kube.Options) (*kube.Cluster, error)
	// Issuer reads public documents; the zero Fetcher is the shipped one.
	Issuer *issuer.Fetcher
	// ProxyCAs are trusted for Teleport proxies; nil means the system's roots, or --proxy-ca.
	ProxyCAs *x509.CertPool
	// Prompter asks for a yes where no wizard runs.
	Prompter prompt.Confirmer
	// Pages leads through the wizard; lines asks for one question a line, for screen readers.
	Pages func(lines bool) prompt.Prompter
	// Tctl finds the tctl that can ask for a touch.
	Tctl func() (string, error)
	Now  func() time.Time
	// Patience is how long a join is repeated that Teleport refused right after our own write.
	Patience time.Duration
	// OneToken is how long one token is presented again and again while the other side is waited for (--wait-teleport).
	OneToken time.Duration
	Build    Build
}

// Build says what was built, set by the linker for a release.
type Build struct {
	Version, Commit, Date string
}

// The linker sets these: -X github.com/tbotctl/tbotctl/cmd.version=...
//
//nolint:gochecknoglobals // -X reaches package variables only
var (
	version = "dev"
	commit  = ""
	date    = ""
)

// NewFactory returns the Factory of the shipped program.
func NewFactory(streams *ui.Streams, lookupEnv func(string) (string, bool)) *Factory {
	line := prompt.NewLine(streams.In, streams.Err)
	return &Factory{
		Streams:   streams,
		LookupEnv: lookupEnv,
		Kube:      kube.Connect,
		Issuer:    &issuer.Fetcher{},
		Prompter:  line,
		Pages:     func(lines bool) prompt.Prompter { return pages(streams, line, lines, lookupEnv) },
		Tctl:      tctl.Look,
		Now:       time.Now,
		Patience:  30 * time.Second,
		OneToken:  5 * time.Minute, // it lives for ten
		Build:     Build{Version: version, Commit: commit, Date: date},
	}
}

// pages chooses how the wizard asks. What cannot redraw a line gets the lines too.
func pages(streams *ui.Streams, line *prompt.Line, lines bool, lookupEnv func(string) (string, bool)) prompt.Prompter {
	accessible, _ := lookupEnv("ACCESSIBLE")
	term, _ := lookupEnv("TERM")
	if lines || accessible != "" && accessible != "0" || term == "dumb" || term == "" {
		return prompt.NewLines(streams, line)
	}
	return prompt.NewTerminal(streams)
}

func (f *Factory) env(name string) string {
	value, _ := f.LookupEnv(name)
	return value
}

// inPod tells whether the pod's own service account can stand in for a kubeconfig.
func (f *Factory) inPod() bool { return f.env("KUBERNETES_SERVICE_HOST") != "" }
