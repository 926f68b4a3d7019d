package cmd_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/teleport/api/types"
	apievents "github.com/gravitational/teleport/api/types/events"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// agentArgs are the flags of an agent for the application of Teleport's guide; later ones win.
func (b *bench) agentArgs(more ...string) []string {
	args := b.initArgs("--workload", "agent", "--agent-roles", "app", "--agent-app", "demo-app=http://demo-app.demo-app.svc.cluster.local:80",
		"--agent-labels", "app=demo-app", "--agent-release", "teleport-app-service", "--agent-values", b.path("values.yaml"), "--save", b.path("answers.yaml"))
	return append(without(args, "--roles"), more...)
}

// without leaves a flag and its value out.
func without(args []string, flag string) []string {
	i := slices.Index(args, flag)
	return slices.Delete(args, i, i+2)
}

// agentToken is the only join token for an agent that Teleport holds.
func (b *bench) agentToken(t *testing.T, name string) *types.ProvisionTokenV2 {
	t.Helper()
	held, found := b.teleport.Token(name)
	token, ok := held.(*types.ProvisionTokenV2)
	if !found || !ok {
		t.Fatalf("Teleport has no token %s", name)
	}
	return token
}

// helmValues are what the guide's values.yaml holds, and what tbotctl adds to it.
type helmValues struct {
	ProxyAddr, Roles, TeleportClusterName string
	JoinParams                            struct{ Method, TokenName string }
	ServiceAccount                        struct {
		Create bool
		Name   string
	}
	Apps []struct {
		Name, URI string
		Labels    map[string]string
	}
	KubeClusterName string
}

func (b *bench) values(t *testing.T, path string) helmValues {
	t.Helper()
	var read helmValues
	if err := yaml.Unmarshal([]byte(b.read(t, path)), &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// TestGuideAgent reaches the end of Teleport's guide for services that join by their service account, up to the line that calls Helm, by
// one command: in each join type there is a token for App alone, which admits the release's account, is proven and has no end, and
// values that agree with it. The guide's traps (field-notes section 5): a token that ends in 2050 (26), a type that is left to the
// default (27), an account that the name of the release decides (28), a right of the Auth Service that is taken for granted (29),
// an application without the label that roles go by (30), and two types that it says do not work (25).
func TestGuideAgent(t *testing.T) {
	t.Parallel()
	for join, flavour := range map[string]testkit.Flavour{"in_cluster": testkit.SelfManaged, "static_jwks": testkit.SelfManaged, "oidc": testkit.CloudLike} {
		t.Run(join, func(t *testing.T) {
			t.Parallel()
			b := newBenchReviewed(t, flavour)
			got := b.run(t, b.agentArgs("--join-type", join, "-o", "json")...)
			got.want(t, 0)
			b.noSecrets(t, got)
			b.noProbePods(t)
			document := got.document(t)
			if document.Proof.Status != "proven" || document.Setup.Bot != "" || document.Setup.Deployment != "" {
				t.Errorf("proof %+v, setup %+v", document.Proof, document.Setup)
			}
			token, values := b.agentToken(t, document.Setup.Token), b.values(t, b.path("values.yaml"))
			if !slices.Equal(token.GetRoles().StringSlice(), []string{"App"}) || token.Spec.BotName != "" || values.Roles != "app" {
				t.Errorf("the token allows %v, the chart runs %s", token.GetRoles(), values.Roles)
			}
			if !token.Expiry().IsZero() || string(token.Spec.Kubernetes.Type) != join {
				t.Errorf("the token is of type %s and ends %s", token.Spec.Kubernetes.Type, token.Expiry())
			}
			account := "teleport-app-service"
			if rule := token.Spec.Kubernetes.Allow[0].ServiceAccount; rule != b.namespace+":"+account || values.ServiceAccount.Create || values.ServiceAccount.Name != account {
				t.Errorf("the token admits %s, the chart takes %+v", rule, values.ServiceAccount)
			}
			if _, err := b.plane.Client().CoreV1().ServiceAccounts(b.namespace).Get(t.Context(), account, metav1.GetOptions{}); err != nil {
				t.Error(err)
			}
			if values.JoinParams.Method != "kubernetes" || values.JoinParams.TokenName != token.GetName() || values.ProxyAddr != b.teleport.Addr() || values.TeleportClusterName != b.teleport.ClusterName() {
				t.Errorf("the values are %+v", values)
			}
			if app := values.Apps[0]; app.Name != "demo-app" || app.URI != "http://demo-app.demo-app.svc.cluster.local:80" || app.Labels["app"] != "demo-app" {
				t.Errorf("the application is %+v", app)
			}
			want := "helm upgrade --install teleport-app-service teleport-kube-agent --repo https://charts.releases.teleport.dev --version 18.2.0 --kubeconfig " + b.plane.KubeconfigFile()
			if !strings.HasPrefix(document.Next[0], want) || !strings.HasSuffix(document.Next[0], "--namespace "+b.namespace+" --values "+b.path("values.yaml")) {
				t.Errorf("next is %q", document.Next[0])
			}
			if events := b.teleport.Events(); len(events) != 1 {
				t.Errorf("audit log: %v", events)
			} else if joined, ok := events[0].(*apievents.InstanceJoin); !ok || joined.Role != "App" || joined.NodeName != "tbotctl-proof" {
				t.Errorf("audit log: %v", events[0])
			}
			b.run(t, b.agentArgs("--join-type", join)...).want(t, 0, "nothing changed", "proven as App")
		})
	}
}

// The right that in_cluster rests on is looked at where its holder is named, and the command that grants it does grant it (trap 29).
func TestAgentDelegator(t *testing.T) {
	t.Parallel()
	b := newBenchReviewed(t, testkit.SelfManaged)
	args := b.agentArgs("--join-type", "in_cluster", "--auth-service-account", b.namespace+":auth")
	got := b.run(t, args...)
	got.want(t, 3, "TBC410", "system:auth-delegator")
	b.nothingWritten(t)
	_, command, _ := strings.Cut(got.stderr, "kubectl create clusterrolebinding teleport-auth-delegator")
	command, _, _ = strings.Cut(command, "\n")
	name := b.namespace + "-auth-delegator"
	if _, said, err := b.plane.Kubectl(t.Context(), nil, append([]string{"create", "clusterrolebinding", name}, strings.Fields(command)...)...); err != nil {
		t.Fatal(said)
	}
	t.Cleanup(func() {
		_, _, _ = b.plane.Kubectl(context.WithoutCancel(t.Context()), nil, "delete", "clusterrolebinding", name)
	})
	testkit.Eventually(t, "the binding to be seen", func(ctx context.Context) error {
		answer, err := b.plane.Client().AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{
				User:               "system:serviceaccount:" + b.namespace + ":auth",
				ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "create", Group: "authentication.k8s.io", Resource: "tokenreviews"},
			},
		}, metav1.CreateOptions{})
		if err == nil && !answer.Status.Allowed {
			err = errors.New("not allowed")
		}
		return err
	})
	b.run(t, args...).want(t, 0, "TBC410", "proven as App")
}

// A cluster that Teleport hosts under a name of its owner's says so to who logs in (trap 25: the other types work there).
func TestAgentOnHostedCluster(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{Cloud: true})
	b.run(t, b.agentArgs("--join-type", "in_cluster")...).want(t, 3, "TBC410", "Teleport Cloud", "oidc or static_jwks")
	b.nothingWritten(t)
	b.run(t, b.agentArgs("--join-type", "static_jwks")...).want(t, 0, "proven as App")
}

// Every role is joined as, and a chart that mounts no token gets the volume.
func TestAgentEveryRole(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{Version: "17.7.0"})
	got := b.run(t, b.agentArgs("--agent-roles", "App,Kube,Db,Discovery", "--agent-database", "orders=postgres=db.svc:5432", "--agent-kube-name", "prod")...)
	got.want(t, 0, "proven as App, Kube, Db, Discovery", "tsh kube ls")
	values := b.values(t, b.path("values.yaml"))
	if values.Roles != "app,kube,db,discovery" || values.KubeClusterName != "prod" || values.TeleportClusterName != "" || !strings.Contains(b.read(t, b.path("values.yaml")), `audience: "`+b.teleport.ClusterName()+`"`) {
		t.Errorf("the values are %+v", values)
	}
	if events := b.teleport.Events(); len(events) != 4 {
		t.Errorf("audit log: %v", events)
	}
}

func TestAgentBadInput(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.write(t, "taken.yaml", []byte("proxyAddr: elsewhere\n"))
	for name, row := range map[string]struct {
		args []string
		code int
		says []string
		less string
	}{
		"a role that Teleport does not know": {[]string{"--agent-roles", "App,Web"}, 2, []string{"--agent-roles", `"Web"`, "App, Kube, Db, Discovery"}, ""},
		"no role":                            {[]string{"--agent-roles", ""}, 2, []string{"--agent-roles"}, "--agent-app"},
		"no application":                     {nil, 2, []string{"--agent-app"}, "--agent-app"},
		"no name of the cluster":             {[]string{"--agent-roles", "App,Kube"}, 2, []string{"--agent-kube-name"}, ""},
		"Cloud with in_cluster":              {[]string{"--proxy", "example.teleport.sh:443", "--join-type", "in_cluster"}, 2, []string{"--join-type", "Teleport Cloud", "oidc or static_jwks"}, ""},
		"an access":                          {[]string{"--access", "identity"}, 2, []string{"--access", "no bot"}, ""},
		"roles of a bot":                     {[]string{"--roles", "access"}, 2, []string{"--roles", "no bot"}, ""},
		"a file that holds something else":   {[]string{"--agent-values", b.path("taken.yaml")}, 3, []string{"taken.yaml", "nothing was applied", "--overwrite"}, ""},
		"a folder that is not there":         {[]string{"--agent-values", b.path("no/values.yaml")}, 2, []string{"--agent-values"}, ""},
		"values of a tbot":                   {[]string{"--workload", "tbot", "--agent-roles", "", "--agent-labels", "", "--agent-release", "", "--roles", "access"}, 2, []string{"--agent-values goes with --workload agent"}, "--agent-app"},
	} {
		t.Run(name, func(t *testing.T) {
			args := b.agentArgs(row.args...)
			if row.less != "" {
				args = without(args, row.less)
			}
			b.run(t, args...).want(t, row.code, row.says...)
			b.nothingWritten(t)
		})
	}
}

// A token that somebody narrows between its making and the join is explained in the words of roles, and never of a bot (field-notes P18).
func TestAgentRefused(t *testing.T) {
	t.Parallel()
	var b *bench
	b = newBench(t, testkit.SelfManaged, teleporttest.Options{Before: func(_ context.Context, r teleporttest.Request) error {
		if strings.HasSuffix(r.Method, "RegisterUsingToken") {
			narrowed := b.agentToken(t, "agents")
			narrowed.Spec.Roles = []types.SystemRole{types.RoleKube}
			b.teleport.PutToken(narrowed)
		}
		return nil
	}})
	got := b.run(t, b.agentArgs("--token-name", "agents")...)
	got.want(t, 3, `the token does not allow "App" role`, `has the roles ["Kube"]`, "sets the token's roles to App")
	b.noProbePods(t)
}

// tokenName is the name of the join token among the answers.
func (b *bench) tokenName(t *testing.T) string {
	t.Helper()
	for line := range strings.Lines(b.read(t, b.path("answers.yaml"))) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "tokenName: "); found {
			return name
		}
	}
	t.Fatal("the answers name no token")
	return ""
}

// The same answers give the files of a folder, print the same offline, and find nothing to change after Helm's part is left out.
func TestAgentFiles(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.CloudLike, teleporttest.Options{})
	dir := filepath.Join(t.TempDir(), "out")
	args := without(b.agentArgs("--out-dir", dir), "--agent-values")
	got := b.run(t, args...)
	got.want(t, 0, "agent/values.yaml", "helm upgrade --install teleport-app-service")
	b.nothingWritten(t)
	printed := runWith(t, noClusters(t), "", "render", "--from", b.path("answers.yaml"), "--values")
	printed.want(t, 0)
	if printed.stdout != b.read(t, filepath.Join(dir, "agent", "values.yaml")) {
		t.Errorf("render prints other values:\n%s", printed.stdout)
	}
	stream := runWith(t, noClusters(t), "", "render", "--from", b.path("answers.yaml"))
	stream.want(t, 0, "kind: ServiceAccount", "kind: token")
	if strings.Contains(stream.stdout, "proxyAddr") || strings.Contains(stream.stdout, "kind: bot") {
		t.Errorf("render prints\n%s", stream.stdout)
	}
	commands := filesOf(t, b.run(t, append(args, "-o", "json")...)).Next
	if len(commands) != 3 || strings.Contains(commands[1], "values.yaml") {
		t.Fatalf("the commands are %q", commands)
	}
	b.paste(t, commands[:2])
	b.run(t, without(b.diffArgs("--from", b.path("answers.yaml")), "--roles")...).want(t, 0)
}

// delete removes token, account and authority, and says that the release is Helm's.
func TestAgentDelete(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.run(t, b.agentArgs()...).want(t, 0)
	name := b.tokenName(t)
	got := b.run(t, b.deleteArgs("--from", b.path("answers.yaml"))...)
	got.want(t, 0, "token "+name, "ServiceAccount "+b.namespace+"/teleport-app-service", "helm uninstall teleport-app-service --namespace "+b.namespace)
	if strings.Contains(got.stdout+got.stderr, "bot ") {
		t.Errorf("delete speaks of a bot:\n%s", got.stderr)
	}
	if _, found := b.teleport.Token(name); found {
		t.Error("the token is left behind")
	}
	b.run(t, b.agentArgs()...).want(t, 0)
	b.run(t, b.deleteArgs("--name", "teleport-agent")...).want(t, 0, "is not tbotctl's", "token "+name)
}

// What is about tbot says so of an agent's answers.
func TestAgentIsNotVerified(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.run(t, b.agentArgs("--prove", "never")...).want(t, 0)
	b.run(t, append(b.verifyArgs(), "--from", b.path("answers.yaml"))...).want(t, 2, "--workload agent", "init --prove always")
}

// A tbot and an agent of one namespace leave each other alone without being told.
func TestAgentBesideTbot(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	made := b.install(t)
	b.run(t, b.agentArgs()...).want(t, 0)
	if token := b.agentToken(t, made.Setup.Token); !slices.Equal(token.GetRoles().StringSlice(), []string{"Bot"}) {
		t.Errorf("the tbot's token allows %v now", token.GetRoles())
	}
	b.run(t, b.deleteArgs("--from", b.path("answers.yaml"))...).want(t, 0)
	b.allStands(t, made)
}

// A name that a tbot has already is not taken from it in silence: its token would let it in no more.
func TestAgentOfATbotsName(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	made := b.install(t)
	b.run(t, b.agentArgs("--name", "tbot")...).want(t, 3, "it lets in bot "+made.Setup.Bot, "nothing was applied", "--name")
	b.allStands(t, made)
}

// The values are written over where that is asked for, and before anything is applied.
func TestAgentValuesOverwritten(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.write(t, "values.yaml", []byte("roles: kube\n"))
	b.run(t, b.agentArgs()...).want(t, 3, "another content", "--overwrite")
	b.nothingWritten(t)
	b.run(t, b.agentArgs("--overwrite")...).want(t, 0, "values.yaml, replaced")
	if values := b.values(t, b.path("values.yaml")); values.Roles != "app" {
		t.Errorf("the values are %+v", values)
	}
}

func TestAgentRenderFromFlagsAlone(t *testing.T) {
	t.Parallel()
	args := []string{
		"render", "--workload", "agent", "--agent-roles", "kube", "--agent-kube-name", "prod", "--namespace", "edge", "--proxy", "example.teleport.sh:443",
		"--cluster-name", "example.teleport.sh", "--tbot-version", "18.2.0", "--join-type", "oidc", "--issuer", "https://oidc.example.com/id/A/",
	}
	runWith(t, noClusters(t), "", args...).want(t, 2, "--token-name")
	args = append(args, "--token-name", "edge")
	runWith(t, noClusters(t), "", args...).want(t, 0, `roles: ["Kube"]`, `service_account: "edge:teleport-agent"`)
	runWith(t, noClusters(t), "", append(args, "--values")...).want(t, 0, `teleportClusterName: "example.teleport.sh"`, "enterprise: true", `kubeClusterName: "prod"`)
}

// TestAgentTouch is an agent where administrators confirm by a hardware key and nobody can be asked for it: the token is left in a file,
// and who repeats the command after it was made finds that it is.
func TestAgentTouch(t *testing.T) {
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{AdminMFA: true})
	t.Chdir(b.dir)
	got := b.run(t, b.agentArgs()...)
	got.want(t, 3, "hardware key", "is left in")
	b.noAdminAction(t)
	found, err := filepath.Glob("tbotctl-teleport-agent-*/teleport/resources.yaml")
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v; want one file", found, err)
	}
	if err := b.make([]byte(b.read(t, found[0]))); err != nil {
		t.Fatal(err)
	}
	b.run(t, b.agentArgs()...).want(t, 0, "proven as App")
	b.noAdminAction(t)
}

// Before 17.0.3 in_cluster takes no audience but the API server's own, so the pod's own token is what joins.
func TestAgentInClusterOldServer(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{Version: "16.4.7", ReviewToken: lab.Reviewer(testkit.Shared(t, testkit.SelfManaged))})
	b.run(t, b.agentArgs("--join-type", "in_cluster")...).want(t, 0, "proven as App over HTTP")
	if values := b.read(t, b.path("values.yaml")); strings.Contains(values, "audience") || strings.Contains(values, "teleportClusterName") {
		t.Errorf("the values name an audience:\n%s", values)
	}
}

// TestGuidedAgent leads somebody through the same by questions; what belongs to a bot is not asked.
func TestGuidedAgent(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.profile(t, b.path("tsh"), time.Hour)
	script := prompt.NewScript(t, append(slices.Clone(b.answers()[:3]),
		prompt.Answer("workload", "agent"), prompt.Answer("namespace", b.namespace),
		prompt.Answer("agent-release", "web"), prompt.Default("token-name"),
		prompt.Choose("agent-roles", "App", "Kube"), prompt.Answer("agent-app", "demo=http://demo.svc:80"), prompt.Answer("agent-kube-name", "prod"), prompt.Default("agent-labels"),
		prompt.Answer("yes", "apply"), prompt.Answer("yes", "finish"))...)
	got := b.guideFreely(t, script, "--agent-values", b.path("values.yaml"))
	got.want(t, 0, "joined as App, Kube", "helm upgrade --install web", "--workload agent --agent-roles App,Kube --agent-app demo=http://demo.svc:80", "tbotctl delete", "--name teleport-agent")
	says(t, script, "with the system roles App, Kube, and with no other", "tbotctl writes its values and never calls Helm")
	if values := b.values(t, b.path("values.yaml")); values.ServiceAccount.Name != "web" || values.KubeClusterName != "prod" {
		t.Errorf("the values are %+v", values)
	}
}
