package report_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/ui"
	"github.com/tbotctl/tbotctl/manifests"
)

// terminal is what a progress is printed on, 80 columns wide.
type terminal struct{ tty, color, unicode bool }

// printed runs a progress and gives what came out on stderr.
func printed(t *testing.T, on terminal, run func(*report.Progress)) string {
	t.Helper()
	var out, stdout bytes.Buffer
	run(report.NewProgress(&ui.Streams{
		In: strings.NewReader(""), Out: &stdout, Err: &out, ErrTTY: on.tty, Color: on.color, Unicode: on.unicode, Width: 80,
	}))
	if stdout.Len() != 0 {
		t.Errorf("progress is for stderr, and stdout holds %q", stdout.String())
	}
	return out.String()
}

// sampleSetup is a Setup as a finished discovery leaves it.
func sampleSetup() spec.Setup {
	s := spec.Default()
	s.Kubernetes.Context, s.Kubernetes.Namespace = "prod-eu", "machines"
	s.Teleport.Proxy = "teleport.example.com:443"
	s.Teleport.Roles = []string{"access", "ci-deployer"}
	s = s.WithClusterID("1a2b3c4d")
	s.Resolved = &spec.Resolved{
		ClusterName: "main.example.com", ServerVersion: "18.2.0", Image: s.Workload.ImageFor("18.2.0", false),
		JoinType: spec.JoinOIDC, Issuer: "https://issuer.example.com/id/1", ClusterID: "1a2b3c4d",
	}
	return s
}

// resource is one item of a plan without its content, which no report prints.
func resource(system manifests.System, kind, namespace, name string) manifests.Resource {
	return manifests.Resource{System: system, Kind: kind, Namespace: namespace, Name: name}
}

// samplePlan holds every action, and one item with more changes than are shown.
func samplePlan() plan.Plan {
	many := []plan.Change{
		{Path: "data.tbot.yaml", Live: "version: v2\nproxy_server: old.example.com:443\noutputs: []\n", Wanted: "version: v2\nproxy_server: teleport.example.com:443\noutputs: []\n"},
		{Path: "metadata.annotations.example.com/a-rather-long-name-of-an-annotation", Live: "its value before", Wanted: "its value afterwards, which is cut"},
		{Path: "metadata.labels.new", Wanted: "platform"},
		{Path: "metadata.labels.old", Live: "platform"},
	}
	for _, field := range []string{"a", "b", "c", "d", "e", "f"} {
		many = append(many, plan.Change{Path: "spec." + field, Live: "1", Wanted: "2"})
	}
	return plan.Plan{Items: []plan.Item{
		{Resource: resource(manifests.Kubernetes, "Namespace", "", "machines"), Action: plan.Same},
		{Resource: resource(manifests.Kubernetes, "ServiceAccount", "machines", "tbot"), Action: plan.Create},
		{Resource: resource(manifests.Teleport, "bot", "", "tbot-1a2b3c4d"), Action: plan.Update, Changes: []plan.Change{{Path: "spec.roles[1]", Wanted: "ci-deployer"}}},
		{Resource: resource(manifests.Teleport, "token", "", "tbot-1a2b3c4d"), Action: plan.Conflict, Owner: "not made by tbotctl", Changes: []plan.Change{{Path: "spec.bot_name", Live: "theirs", Wanted: "tbot-1a2b3c4d"}}},
		{Resource: resource(manifests.Kubernetes, "ConfigMap", "machines", "tbot-config"), Action: plan.Update, Changes: many},
		{Resource: resource(manifests.Kubernetes, "Deployment", "machines", "tbot"), Action: plan.Update, Force: true, Owner: "not made by tbotctl", Changes: []plan.Change{{Path: "spec.replicas", Live: "3", Wanted: "1"}}},
		{Resource: resource(manifests.Teleport, "token", "", "unread"), Action: plan.Unseen, Owner: "not readable without a touch"},
	}}
}

// sampleChecks hold every status, with and without its optional parts.
func sampleChecks() []checks.Result {
	result := func(id checks.ID, category checks.Category, title string, finding checks.Finding) checks.Result {
		return checks.Result{Check: checks.Check{ID: id, Category: category, Title: title}, Finding: finding, Duration: 1500 * time.Millisecond}
	}
	return []checks.Result{
		result("TBC101", checks.CategoryKubernetes, "the API server answers and takes the login", checks.Finding{Status: checks.Pass, Observed: "v1.36.3"}),
		result("TBC201", checks.CategoryIssuer, "the cluster names its service account issuer", checks.Finding{
			Status: checks.Pass, Observed: `"https://issuer.example.com/a/path/that/is/long/enough/to/need/a/second/line", from the API server`,
		}),
		result("TBC204", checks.CategoryIssuer, "a join type fits both clusters", checks.Finding{Status: checks.Warn, Observed: "static_jwks; EKS rotates its keys every seven days, and then nobody joins until the token is renewed"}),
		result("TBC302", checks.CategoryTeleport, "the audience is the cluster's name", checks.Finding{
			Status: checks.Fail, Observed: `--cluster-name "teleport.example.com"`, Expected: `"main.example.com", as the proxy says`,
			Fix: "leave --cluster-name out; it is the cluster's name, not the proxy's address",
		}),
		result("TBC304", checks.CategoryTeleport, "a Teleport login is at hand", checks.Finding{Status: checks.Fail, Observed: "no tsh profile", Fix: "tsh login --proxy=teleport.example.com:443"}),
		result("TBC305", checks.CategoryTeleport, "the bot's roles exist", checks.Finding{Status: checks.Skip, Observed: "needs TBC304, which is fail"}),
		result("TBC103", checks.CategoryKubernetes, "the namespace exists or will be made", checks.Finding{Status: checks.Unknown, Observed: `namespaces "machines" is forbidden`, Err: errors.New("forbidden")}),
	}
}

// sampleInit is all that a run that went well came to know.
func sampleInit() report.Init {
	return report.Init{
		Setup:  sampleSetup(),
		Public: issuer.PublicResult{Reachable: true, SeenFrom: "this machine"},
		Choice: issuer.Choice{
			Type: spec.JoinOIDC, Reason: "the issuer publishes its keys to everybody", SeenFrom: "this machine", Issuer: "https://issuer.example.com/id/1",
			Warnings: []string{"one warning"}, Rejected: []issuer.Rejection{{Type: spec.JoinStaticJWKS, Why: "a copy ends with the next rotation"}},
		},
		Plan:    samplePlan(),
		Written: map[string]bool{"ServiceAccount machines/tbot": true},
		Proof: &proof.Result{From: "this machine, with a token of service account machines/tbot", Outcome: proof.Outcome{
			User: "bot-tbot-1a2b3c4d", Roles: []string{"bot-tbot-1a2b3c4d"}, Via: "gRPC RegisterUsingToken", NotAfter: sampleTime(),
			Outputs: []proof.Output{{Type: "identity", Destination: "Secret tbot-output", Roles: []string{"access", "ci-deployer"}, NotAfter: sampleTime(), Files: []string{"identity", "tlscert"}}},
		}},
		Checks: sampleChecks(),
		Next:   []string{"kubectl --context prod-eu --namespace machines logs deployment/tbot"},
	}
}

func sampleTime() time.Time {
	return time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("elsewhere", 3600))
}
