package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// The names that a user could have.
const (
	proxyName = "example.teleport.sh"
	liveHost  = "203.0.113.21" // documentation addresses (RFC 5737)
	deadHost  = "203.0.113.47"
	namespace = "machines"
	loginTTL  = 12 * time.Hour
)

// ground is a control plane and a Teleport cluster under names that a user could have.
type ground struct {
	plane    *testkit.ControlPlane
	teleport *teleporttest.Cluster
	internet *internet
	dir      string
	// joining is closed when the join has come, letGo when it may go on.
	joining, letGo chan struct{}
	stopPlaying    func()
}

func newGround(ctx context.Context) (g *ground, err error) {
	g = &ground{joining: make(chan struct{}), letGo: make(chan struct{}), stopPlaying: func() {}}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.close())
		}
	}()
	if g.dir, err = os.MkdirTemp("", "tbotctl-screens-"); err != nil {
		return g, err
	}
	if g.teleport, err = teleporttest.Start(teleporttest.Options{ClusterName: proxyName, PublicName: proxyName, Before: g.before()}); err != nil {
		return g, err
	}
	if g.plane, err = testkit.Start(ctx, testkit.Options{Flavour: testkit.SelfManaged}); err != nil {
		return g, err
	}
	server, err := url.Parse(g.plane.RESTConfig().Host)
	if err != nil {
		return g, err
	}
	g.internet = newInternet(ctx, map[string]string{proxyName: g.teleport.Addr(), liveHost: server.Host, deadHost: ""})
	if err := errors.Join(g.writeKubeconfig(), g.writeProfile(), os.WriteFile(g.path("roots.pem"), g.teleport.WebCAPEM(), 0o600)); err != nil {
		return g, err
	}
	// What plays the pod's tbot runs in here, and has to find the way too.
	return g, errors.Join(os.Setenv("HTTPS_PROXY", g.internet.url()), os.Setenv("SSL_CERT_FILE", g.path("roots.pem")))
}

func (g *ground) path(name string) string { return filepath.Join(g.dir, name) }

// before holds the first join until it is let go, so that there is a page to be seen.
func (g *ground) before() func(context.Context, teleporttest.Request) error {
	first := make(chan struct{}, 1)
	first <- struct{}{}
	return func(ctx context.Context, r teleporttest.Request) error {
		if !strings.HasSuffix(r.Method, "/RegisterUsingToken") {
			return nil
		}
		select {
		case <-first:
			close(g.joining)
			select {
			case <-g.letGo:
			case <-ctx.Done():
			}
		default:
		}
		return nil
	}
}

// writeKubeconfig writes one with three contexts, of which one leads to a cluster that never answers.
func (g *ground) writeKubeconfig() error {
	config, err := clientcmd.LoadFromFile(g.plane.KubeconfigFile())
	if err != nil {
		return err
	}
	user := config.Contexts[config.CurrentContext].AuthInfo
	ca := config.Clusters[config.Contexts[config.CurrentContext].Cluster].CertificateAuthorityData
	made := api.Config{AuthInfos: config.AuthInfos, Clusters: map[string]*api.Cluster{}, Contexts: map[string]*api.Context{}, CurrentContext: "prod-eu"}
	for name, host := range map[string]string{"prod-eu": liveHost, "staging-eu": liveHost, "lab-2023": deadHost} {
		made.Clusters[name] = &api.Cluster{
			Server: "https://" + host + ":6443", CertificateAuthorityData: ca, TLSServerName: "localhost", ProxyURL: g.internet.url(),
		}
		made.Contexts[name] = &api.Context{Cluster: name, AuthInfo: user}
	}
	return clientcmd.WriteToFile(made, g.path("kubeconfig"))
}

// writeProfile logs somebody in with tsh, at the port that a Teleport cluster mostly has.
func (g *ground) writeProfile() error {
	g.teleport.AddUser("alice", "editor", "access")
	if err := g.teleport.WriteProfile(g.path("tsh"), "alice", loginTTL); err != nil {
		return err
	}
	file := g.path("tsh/" + proxyName + ".yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	_, port, _ := strings.Cut(g.teleport.Addr(), ":")
	at443 := strings.ReplaceAll(string(text), proxyName+":"+port, proxyName+":443")
	return os.WriteFile(file, []byte(at443), 0o600)
}

// env is the whole environment of the program.
func (g *ground) env() []string {
	return []string{
		"HOME=" + g.dir, "TERM=xterm-256color", "LANG=C.UTF-8", "NO_COLOR=1", "KUBECONFIG=" + g.path("kubeconfig"), "TELEPORT_HOME=" + g.path("tsh"),
		"HTTPS_PROXY=" + g.internet.url(), "SSL_CERT_FILE=" + g.path("roots.pem"),
	}
}

// play plays the pod's tbot, which nothing runs here.
func (g *ground) play(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lab.Player{Plane: g.plane, Namespace: namespace, Say: func(line string) { fmt.Fprintln(os.Stderr, line) }}.Play(ctx)
	}()
	g.stopPlaying = func() { cancel(); <-ended }
}

func (g *ground) close() error {
	g.stopPlaying()
	if g.internet != nil {
		g.internet.close()
	}
	var err error
	if g.plane != nil {
		err = g.plane.Stop()
	}
	if g.teleport != nil {
		err = errors.Join(err, g.teleport.Close())
	}
	return errors.Join(err, os.RemoveAll(g.dir))
}
