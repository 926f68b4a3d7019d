package cmd_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// ahead runs the program on a machine whose clock is off by so much.
func (b *bench) ahead(t *testing.T, by time.Duration, args ...string) outcome {
	t.Helper()
	return runWith(t, func(f *cmd.Factory) {
		f.Issuer = lab.Fetcher(b.plane)
		f.Now = func() time.Time { return time.Now().Add(by) }
	}, "", args...)
}

// loginFor makes the administrator's identity one that ends after ttl.
func (b *bench) loginFor(t *testing.T, ttl time.Duration) {
	t.Helper()
	identity, err := b.teleport.IdentityFile("admin", ttl)
	if err != nil {
		t.Fatal(err)
	}
	b.write(t, "admin.identity", identity)
}

// TestClockIsOff holds that a clock an hour off on this machine alone is said, and stops nothing: not a login that is valid by the
// servers' clock, not the proof, not the evidence of a second run; and that it calls nothing valid that has ended.
func TestClockIsOff(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		by   time.Duration
		says string
	}{
		"an hour ahead":  {time.Hour, "ahead of the API server's"},
		"an hour behind": {-time.Hour, "behind the API server's"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			b.play(t)
			b.loginFor(t, 30*time.Minute)
			got := b.ahead(t, row.by, b.initArgs("-o", "json")...)
			got.want(t, 0, "this machine's clock says", row.says)
			if document := got.document(t); document.Proof.Status != "proven" {
				t.Errorf("proof %+v", document.Proof)
			}
			if login := got.finding(t, "TBC304"); login.Status != "pass" || login.Observed != "admin, for 29m" {
				t.Errorf("login %+v, want it to be judged by the servers' clock", login)
			}
			again := b.ahead(t, row.by, b.initArgs("-o", "json")...)
			again.want(t, 0, "nothing changed, and it works", row.says)
			if proof := again.document(t).Proof; proof.Status != "evidence" {
				t.Errorf("proof %+v, want the certificate to be judged by the servers' clock", proof)
			}

			b.loginFor(t, -time.Minute)
			b.ahead(t, row.by, b.deleteArgs()...).want(t, 4, "the identity ended at", row.says)
			b.loginFor(t, 30*time.Minute)
			b.ahead(t, row.by, b.deleteArgs()...).want(t, 0, row.says)
		})
	}
}

// TestClockIsOffAndAnotherRun holds that an hour's difference makes no run take the probe pod of another, a moment old, for one
// that was left behind.
func TestClockIsOffAndAnotherRun(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	made := b.install(t)
	probe := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: "tbot-probe-other", Labels: map[string]string{spec.MarkProbe: "true"}, Annotations: map[string]string{spec.MarkInstall: made.Setup.Install},
		},
		Spec: corev1.PodSpec{
			SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.com/gate"}},
			Containers:      []corev1.Container{{Name: "c", Image: "registry.example.com/c:1"}},
		},
	}
	pods := b.plane.Client().CoreV1().Pods(b.namespace)
	if _, err := pods.Create(t.Context(), probe, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	b.ahead(t, time.Hour, b.initArgs("--no-wait", "--prove", "always")...).want(t, 0, "ahead of the API server's")
	if _, err := pods.Get(t.Context(), probe.Name, metav1.GetOptions{}); err != nil {
		t.Errorf("the probe pod of another run was removed: %v", err)
	}
}
