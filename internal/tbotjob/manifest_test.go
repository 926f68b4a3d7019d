package tbotjob

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

func example(t *testing.T) Job {
	t.Helper()
	s := setup("machines")
	j, err := New(nil, deployment(t, s), tbotconfig.For(s))
	if err != nil {
		t.Fatal(err)
	}
	j.Name = "tbot-verify-0a1b2c3d"
	j.Now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("elsewhere", 3600)) }
	return j
}

func TestManifest(t *testing.T) {
	t.Parallel()
	j := example(t)
	untouched := j.Deployment.DeepCopy()
	made := j.manifest("the-account's-uid")
	text, err := yaml.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	golden.Assert(t, "job.yaml", text)
	if diff := cmp.Diff(untouched, j.Deployment); diff != "" {
		t.Errorf("the Deployment was changed (-before +after):\n%s", diff)
	}

	// The template differs in the restart policy and in tbot's arguments, and in nothing else.
	want := untouched.Spec.Template
	want.Spec.RestartPolicy = corev1.RestartPolicyNever
	want.Spec.Containers[0].Args = append(want.Spec.Containers[0].Args, "--oneshot")
	if diff := cmp.Diff(want, made.Spec.Template); diff != "" {
		t.Errorf("the template differs (-want +got):\n%s", diff)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for deployment, shape := range map[string]string{
		"tbot":                        `^tbot-verify-[0-9a-f]{8}$`,
		strings.Repeat("a", 70):       `^a{47}-verify-[0-9a-f]{8}$`,
		strings.Repeat("a", 46) + "-": `^a{46}-verify-[0-9a-f]{8}$`,
	} {
		first, err := jobName(deployment)
		if err != nil {
			t.Fatal(err)
		}
		second, err := jobName(deployment)
		if err != nil || first == second {
			t.Errorf("both are called %s, error %v", first, err)
		}
		if !regexp.MustCompile(shape).MatchString(first) {
			t.Errorf("%s: %s, want %s", deployment, first, shape)
		}
	}
}

func TestOnce(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"start", "-c", "/config/tbot.yaml", "--oneshot"},
		{"start", "--oneshot", "-c", "/config/tbot.yaml"},
		{"start", "-c", "/config/tbot.yaml", "--no-oneshot"},
		{"start", "-c", "/config/tbot.yaml", "--oneshot=false"},
		{"start", "-c", "/config/tbot.yaml"},
	} {
		if got := once(args); !slices.Equal(got, []string{"start", "-c", "/config/tbot.yaml", "--oneshot"}) {
			t.Errorf("%q becomes %q", args, got)
		}
	}
}

// A tbot beside another container is found by its name, and the other is left alone.
func TestContainerByName(t *testing.T) {
	t.Parallel()
	j := example(t)
	j.Deployment.Spec.Template.Spec.Containers = append([]corev1.Container{{Name: "proxy", Args: []string{"run"}}}, j.Deployment.Spec.Template.Spec.Containers...)
	j.Container = "tbot"
	containers := j.manifest("uid").Spec.Template.Spec.Containers
	if !slices.Equal(containers[0].Args, []string{"run"}) || !slices.Contains(containers[1].Args, "--oneshot") {
		t.Errorf("arguments %q and %q", containers[0].Args, containers[1].Args)
	}
	j.Container = "nobody"
	if _, err := j.Run(t.Context()); err == nil || !strings.Contains(err.Error(), `machines/tbot has no container "nobody"`) {
		t.Errorf("error %v, want one that names what is not there", err)
	}
}

func TestCreates(t *testing.T) {
	t.Parallel()
	j := example(t)
	j.Config.Storage = tbotconfig.Secret("tbot-state")
	j.Config.Outputs = append(j.Config.Outputs,
		&tbotconfig.KubernetesV2{
			Common:      tbotconfig.Common{Type: tbotconfig.TypeKubernetesV2, CredentialTTL: 2 * time.Hour},
			Destination: tbotconfig.Destination{Type: tbotconfig.DestinationSecret, Name: "clusters", Namespace: "apps"},
		},
		&tbotconfig.ArgoCD{Common: tbotconfig.Common{Type: tbotconfig.TypeArgoCD}, SecretNamespace: "argocd"},
		tbotconfig.NewIdentity(tbotconfig.Directory("/opt/machine-id")),
	)
	want := []string{
		"Job machines/tbot-verify-0a1b2c3d with one pod of Deployment tbot's template, as service account tbot; both are removed afterwards",
		"the pod pulls " + j.Deployment.Spec.Template.Spec.Containers[0].Image,
		"one more login of the bot in Teleport, as an instance of its own",
		"Secret machines/tbot-state is written: the bot's own state",
		"Secret machines/tbot-output is written for real: output 1 (identity), credentials for 1h0m0s",
		"Secret apps/clusters is written for real: output 2 (kubernetes/v2), credentials for 2h0m0s",
		"Secrets in argocd are written for real: Argo CD's clusters, credentials for 1h0m0s",
	}
	if diff := cmp.Diff(want, j.Creates()); diff != "" {
		t.Errorf("it says otherwise (-want +got):\n%s", diff)
	}
}
