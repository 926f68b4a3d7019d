package testkit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// sharedPlanes is the one piece of state of this package: tests of one binary have nothing else in common.
//
//nolint:gochecknoglobals // TestMain and the tests can meet nowhere else
var sharedPlanes sharedSet

type sharedSet struct{ planes [2]sharedPlane }

type sharedPlane struct {
	once  sync.Once
	plane *ControlPlane
	err   error
}

// Shared is the control plane of this flavour for all tests of a package, with an audit log. It is started
// at first use and stopped by Main. Tests keep apart by Namespace.
func Shared(tb testing.TB, f Flavour) *ControlPlane {
	tb.Helper()
	s := &sharedPlanes.planes[f]
	s.once.Do(func() {
		// Not bound to the first test: others wait for the same start.
		s.plane, s.err = Start(context.WithoutCancel(tb.Context()), Options{Flavour: f, Audit: true})
		if s.err == nil {
			s.plane.shared = true
		}
	})
	if s.err != nil {
		tb.Fatal(s.err)
	}
	return s.plane
}

// Main runs the tests of a package, stops the control planes they shared and returns the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }
func Main(m *testing.M) int {
	code := m.Run()
	for i := range sharedPlanes.planes {
		s := &sharedPlanes.planes[i]
		s.once.Do(func() { s.err = errors.New("the tests are over") })
		if s.plane == nil {
			continue
		}
		if err := s.plane.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "testkit:", err)
			code = max(code, 1)
		}
	}
	return code
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// Namespace makes a namespace for the test, with its default service account and root CA in it, and sends
// its deletion at the test's end.
func (c *ControlPlane) Namespace(tb testing.TB) string {
	tb.Helper()
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(tb.Name()), "-"), "-")
	if len(name) > 40 {
		name = strings.Trim(name[len(name)-40:], "-")
	}
	name += "-" + strings.ToLower(rand.Text()[:6])

	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := c.kit.CoreV1().Namespaces().Create(tb.Context(), namespace, metav1.CreateOptions{}); err != nil {
		tb.Fatalf("making namespace %s: %v", name, err)
	}
	tb.Cleanup(func() {
		if c.stopped.Load() {
			return
		}
		err := c.kit.CoreV1().Namespaces().Delete(context.WithoutCancel(tb.Context()), name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			tb.Errorf("deleting namespace %s: %v", name, err)
		}
	})
	if err := c.waitNamespace(tb.Context(), name); err != nil {
		tb.Fatal(err)
	}
	return name
}
