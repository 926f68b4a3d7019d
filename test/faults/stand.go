package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// stand is what one try has for itself: a namespace, a Teleport cluster, and the two places where the fault may strike.
type stand struct {
	ground               *ground
	fault                fault
	dir, namespace       string
	kubeconfig           string
	cluster              *teleporttest.Cluster
	kubernetes, teleport *injector
	process              atomic.Pointer[os.Process]
	closeGateway         func()
	// later has both clocks, the API server's and the program's, say that a probe pod of now is old.
	later atomic.Bool
}

// now is what time it is for the program.
func (s *stand) now() time.Time {
	if s.later.Load() {
		return time.Now().Add(probeAge)
	}
	return time.Now()
}

// dated has the API server tell the stand's time: pods are judged by its clock.
func (s *stand) dated(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&datedWriter{ResponseWriter: w, now: s.now}, r)
	})
}

type datedWriter struct {
	http.ResponseWriter
	now func() time.Time
}

// WriteHeader implements http.ResponseWriter.
func (w *datedWriter) WriteHeader(code int) {
	w.Header().Set("Date", w.now().UTC().Format(http.TimeFormat))
	w.ResponseWriter.WriteHeader(code)
}

// Unwrap lets a reverse proxy flush what it carries.
func (w *datedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// set makes a stand; the fault strikes from arm on.
func (g *ground) set(ctx context.Context, f fault) (s *stand, err error) {
	s = &stand{ground: g, fault: f, closeGateway: func() {}}
	if s.dir, err = os.MkdirTemp("", "tbotctl-faults-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	signal := func(k kind) { strike(s.process.Load(), k) }
	s.kubernetes = &injector{fault: f, side: sideKubernetes, signal: signal}
	s.teleport = &injector{fault: f, side: sideTeleport, signal: signal}
	if s.namespace, err = g.namespace(ctx); err != nil {
		return s, err
	}
	if s.kubeconfig, s.closeGateway, err = g.gateway.Open(s.dir, func(next http.Handler) http.Handler { return s.kubernetes.wrap(s.dated(next)) }); err != nil {
		s.closeGateway = func() {}
		return s, err
	}
	s.cluster, err = g.teleport(s.dir, s.teleport)
	return s, err
}

func (s *stand) close() error {
	s.closeGateway()
	var err error
	if s.cluster != nil {
		err = s.cluster.Close()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// arm lets the requests count from here on.
func (s *stand) arm() {
	s.kubernetes.arm()
	s.teleport.arm()
}

// outcome tells what the armed run cost so far, and whether the fault has struck.
func (s *stand) outcome() outcome {
	kubernetes, struck := s.kubernetes.account()
	teleport, too := s.teleport.account()
	return outcome{kubernetes: kubernetes, teleport: teleport, struck: struck || too}
}

// args are the flags of a command that asks both clusters.
func (s *stand) args(command string, more ...string) []string {
	return append([]string{
		command, "--non-interactive", "--yes", "--kubeconfig", s.kubeconfig, "--context", lab.GatewayContext, "--namespace", s.namespace,
		"--proxy", s.cluster.Addr(), "--proxy-ca", filepath.Join(s.dir, "web-ca.pem"), "--identity", filepath.Join(s.dir, "admin.identity"),
		"--request-timeout", "2s", "--timeout", "20s",
	}, more...)
}

func (g *ground) namespace(ctx context.Context) (string, error) {
	made, err := g.plane.Client().CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "faults-"}}, metav1.CreateOptions{})
	if err != nil {
		return "", err
	}
	for range 100 {
		_, err = g.plane.Client().CoreV1().ServiceAccounts(made.Name).Get(ctx, "default", metav1.GetOptions{})
		if err == nil {
			return made.Name, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return "", err
}
