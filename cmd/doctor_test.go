package cmd_test

import (
	"encoding/json"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// lookArgs are the flags of a doctor that looks at the bench's namespace with every right; later ones win.
func (b *bench) lookArgs(more ...string) []string {
	return append([]string{
		"doctor", "--non-interactive", "--kubeconfig", b.plane.KubeconfigFile(), "--context", b.plane.Flavour().String(),
		"--namespace", b.namespace, "--proxy", b.teleport.Addr(), "--proxy-ca", b.path("web-ca.pem"),
		"--identity", b.path("admin.identity"), "--timeout", "60s",
	}, more...)
}

// looked is what a script reads of `doctor -o json`.
type looked struct {
	SchemaVersion int
	Summary       struct {
		Status                          string
		Pass, Warn, Fail, Skip, Unknown int
	}
	Installations []struct{ Name, Manager string }
	Causes        []lookedCause
	Checks        []lookedCheck
}

type lookedCause struct {
	Installation, ID, Observed, Fix string
	Send                            []string
}

type lookedCheck struct{ Installation, ID, Category, Status, Observed, Fix string }

func lookedOf(t *testing.T, got outcome) looked {
	t.Helper()
	var document looked
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		t.Fatalf("stdout is not one JSON document: %v\n%s\n%s", err, got.stdout, got.stderr)
	}
	return document
}

// healthy makes a setup that joined, whose one pod says so.
func (b *bench) healthy(t *testing.T, more ...string) {
	t.Helper()
	b.node(t)
	b.play(t)
	b.run(t, b.initArgs(more...)...).want(t, 0)
	b.says(t, "INFO [TBOT] Fetched new bot identity", "INFO [TBOT] Generated output")
}

// says makes every pod of the bench's namespace say these lines.
func (b *bench) says(t *testing.T, lines ...string) {
	t.Helper()
	pods, err := b.plane.Client().CoreV1().Pods(b.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range pods.Items {
		b.node(t).Say(b.namespace, pod.Name, "tbot", false, lines...)
	}
}

// statuses are the IDs that have a status, sorted by the order of the document.
func (d looked) statuses(status string) []string {
	ids := []string{}
	for _, check := range d.Checks {
		if check.Status == status && !slices.Contains(ids, check.ID) {
			ids = append(ids, check.ID)
		}
	}
	return ids
}
