package cmd_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// keptBy are the requests that leave something behind; dry runs and reviews of rights leave nothing.
func keptBy(events []testkit.AuditEvent) []string {
	var kept []string
	for _, event := range events {
		review := slices.Contains([]string{"selfsubjectaccessreviews", "subjectaccessreviews", "selfsubjectreviews"}, event.Resource)
		if event.Write() && !event.DryRun && !review {
			kept = append(kept, kubernetesName(event))
		}
	}
	return kept
}

// writesTo are the requests by which Teleport's state changed since the last Reset.
func writesTo(cluster *teleporttest.Cluster) []string {
	var writes []string
	for _, request := range cluster.Requests() {
		if request.Write || request.Mints {
			writes = append(writes, teleportName(request))
		}
	}
	return writes
}

// TestDoctorWritesNothing holds, by both clusters' own accounts, that a doctor without --prove leaves nothing behind, and that one with
// --prove makes the token, a pod for it to be bound to where none runs, and the join, and takes the pod away.
func TestDoctorWritesNothing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name                 string
		args                 []string
		stopped              bool
		kubernetes, teleport []string
	}{
		{name: "looking"},
		{name: "looking before", args: []string{"--before"}},
		{name: "looking for another server", args: []string{"--for-server", "19.0.0"}},
		{name: "proving with the pod", args: []string{"--prove"}, kubernetes: []string{"create serviceaccounts/token"}, teleport: []string{"JoinService/RegisterUsingToken"}},
		{
			name: "proving without a pod", args: []string{"--prove", "--only", "TBC803"}, stopped: true,
			kubernetes: []string{"create pods", "create serviceaccounts/token", "delete pods"}, teleport: []string{"JoinService/RegisterUsingToken"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			b.healthy(t)
			if row.stopped {
				b.stop(t)
			}
			b.teleport.Reset()
			kept := keptBy(b.lookedAt(t, b.lookArgs(row.args...)...))
			if !slices.Equal(kept, row.kubernetes) {
				t.Errorf("Kubernetes kept %v, want %v", kept, row.kubernetes)
			}
			if writes := writesTo(b.teleport); !slices.Equal(writes, row.teleport) {
				t.Errorf("Teleport kept %v, want %v", writes, row.teleport)
			}
			b.noProbePods(t)
		})
	}
}

// stop scales the Deployment to nothing, and waits until its pod is gone and its controller has said so.
func (b *bench) stop(t *testing.T) {
	t.Helper()
	deployments := b.plane.Client().AppsV1().Deployments(b.namespace)
	if _, err := deployments.Patch(t.Context(), "tbot", types.MergePatchType, []byte(`{"spec":{"replicas":0}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the pod to be gone", func(ctx context.Context) error {
		pods, err := b.plane.Client().CoreV1().Pods(b.namespace).List(ctx, metav1.ListOptions{LabelSelector: appsv1.DefaultDeploymentUniqueLabelKey})
		if err == nil && len(pods.Items) > 0 {
			err = fmt.Errorf("there is %s", strings.TrimSpace(pods.Items[0].Name))
		}
		return err
	})
	testkit.Eventually(t, "the Deployment to have no replica", func(ctx context.Context) error {
		deployment, err := deployments.Get(ctx, "tbot", metav1.GetOptions{})
		if err == nil && (deployment.Status.ObservedGeneration < deployment.Generation || deployment.Status.Replicas > 0) {
			err = fmt.Errorf("it says %+v", deployment.Status)
		}
		return err
	})
}
