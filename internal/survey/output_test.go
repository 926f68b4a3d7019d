package survey_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/survey"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// What tbot itself has written is read, and nothing of its keys comes out.
func TestOutputOfARealJoin(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	teleport := teleporttest.New(t, lab.Teleport(s.plane, teleporttest.Options{ReviewToken: lab.Reviewer(s.plane)}))
	setup := s.setup()
	setup.Teleport.Proxy, setup.Teleport.ProxyCA = teleport.Addr(), string(teleport.WebCAPEM())
	setup.Resolved.ClusterName = teleport.ClusterName()
	set := s.install(t, setup)
	for _, resource := range set.Side(spec.SideTeleport) {
		if resource.Bot != nil {
			teleport.PutBot(resource.Bot)
		}
		if resource.Token != nil {
			teleport.PutToken(resource.Token)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lab.Player{Plane: s.plane, Namespace: s.namespace, Say: func(line string) { t.Log(line) }}.Play(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	s.apply(t, `
apiVersion: v1
kind: Pod
metadata: {name: consumer}
spec:
  containers: [{name: app, image: "registry.example.com/app:1", volumeMounts: [{name: identity, mountPath: /identity}]}]
  volumes: [{name: identity, secret: {secretName: tbot-output}}]
`)

	w := s.only(t, s.kube)
	var output *checks.Output
	testkit.Eventually(t, "tbot to write its Secret", func(ctx context.Context) error {
		var err error
		output, err = survey.Around(s.kube, w).Output(ctx, s.namespace, "tbot-output")
		if err == nil && (output == nil || output.Certificate == nil) {
			err = fmt.Errorf("there is %+v", output)
		}
		return err
	})
	if output.Certificate.Subject.CommonName != "bot-tbot-1a2b3c4d" || !slices.Contains(output.Certificate.Subject.Organization, "access") || output.Problem != "" {
		t.Errorf("certificate of %s, %q", output.Certificate.Subject, output.Problem)
	}
	if !slices.Contains(output.Keys, "identity") || !slices.Contains(output.Keys, "tlscert") || !slices.IsSorted(output.Keys) {
		t.Errorf("keys %q", output.Keys)
	}
	if age := time.Since(output.Written); age < 0 || age > time.Hour {
		t.Errorf("written at %s", output.Written)
	}
	if printed := fmt.Sprintf("%+v", *output); strings.Contains(printed, "PRIVATE KEY") {
		t.Error("a key came out of the Secret")
	}
	mounts, err := survey.Around(s.kube, w).Mounts(t.Context(), s.namespace, "tbot-output")
	if err != nil || !slices.Equal(mounts, []string{"consumer"}) {
		t.Errorf("mounted by %q, %v", mounts, err)
	}
}

func TestOutputKeepsASecretsCopyInside(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.apply(t, ofTheChart)
	s.kubectl(t, "{apiVersion: v1, kind: Secret, metadata: {name: out, labels: {a: b}, annotations: {c: d}}, stringData: {identity: hunter2}}", "apply", "-f", "-")
	output, err := survey.Around(s.kube, s.only(t, s.kube)).Output(t.Context(), s.namespace, "out")
	if err != nil {
		t.Fatal(err)
	}
	if printed := fmt.Sprintf("%+v", *output); strings.Contains(printed, "hunter2") || strings.Contains(printed, "last-applied") {
		t.Errorf("the Secret's content came out: %s", printed)
	}
	if output.Labels["a"] != "b" || output.Annotations["c"] != "d" || !output.Written.IsZero() || output.Problem != "identity holds no certificate" {
		t.Errorf("output %+v", *output)
	}
}
