package cmd_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gravitational/teleport/api/types"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// permissions are the roles that tbotctl prints for a command in the bench's namespace.
func (b *bench) permissions(t *testing.T, command string, more ...string) string {
	t.Helper()
	args := append([]string{"permissions"}, strings.Fields(command)...)
	got := runWith(t, noClusters(t), "", append(append(args, "--as-yaml", "--namespace", b.namespace), more...)...)
	got.want(t, 0)
	return got.stdout
}

// printed are the rights of printed roles, a verb each, and the verbs on Teleport's kinds.
func printed(t *testing.T, text string) (kubernetes []right, teleport []verbOn) {
	t.Helper()
	for _, document := range strings.Split(text, "---\n") {
		if strings.Contains(document, "\nkind: role\n") || strings.HasPrefix(document, "kind: role\n") {
			role := teleportRole(t, document)
			for _, rule := range role.GetRules(types.Allow) {
				for _, verb := range rule.Verbs {
					teleport = append(teleport, verbOn{verb, rule.Resources[0]})
				}
			}
			continue
		}
		var role rbacv1.ClusterRole
		if err := yaml.Unmarshal([]byte(document), &role); err != nil {
			t.Fatal(err)
		}
		for _, rule := range role.Rules {
			for _, verb := range rule.Verbs {
				one := *rule.DeepCopy()
				one.Verbs = []string{verb}
				words := append(append([]string{verb}, one.Resources...), append(slices.Clone(one.NonResourceURLs), one.ResourceNames...)...)
				kubernetes = append(kubernetes, right{rule: one, text: strings.Join(words, " "), everywhere: role.Kind == "ClusterRole"})
			}
		}
	}
	return kubernetes, teleport
}

// teleportRole reads a document as tctl does.
func teleportRole(t *testing.T, document string) *types.RoleV6 {
	t.Helper()
	role := new(types.RoleV6)
	if err := yaml.UnmarshalStrict([]byte(document), role); err != nil {
		t.Fatalf("%v:\n%s", err, document)
	}
	if err := role.CheckAndSetDefaults(); err != nil {
		t.Fatalf("Teleport would refuse this role: %v\n%s", err, document)
	}
	return role
}

// grantedAsPrinted makes a user of each system who has just the roles that were printed: kubectl applies them, and the commands above
// them bind them. In Teleport more are those beside.
func (b *bench) grantedAsPrinted(t *testing.T, user, text string, more ...string) (kubeconfig, identity string) {
	t.Helper()
	var kubernetes, binds []string
	var asked []kube.Access
	verbs := []verbOn{}
	for _, document := range strings.Split(text, "---\n") {
		if strings.Contains(document, "kind: role\n") {
			_, verbs = printed(t, document)
			continue
		}
		// Roles of the whole cluster are shared by all tests of it.
		document = strings.NewReplacer("tbotctl-", user+"-", "USER", user).Replace(document)
		kubernetes = append(kubernetes, document)
		var role rbacv1.Role
		if err := yaml.Unmarshal([]byte(document), &role); err != nil {
			t.Fatal(err)
		}
		rights, _ := printed(t, document)
		asked = append(asked, accessOf(role.Namespace, rights[0]), accessOf(role.Namespace, rights[len(rights)-1]))
		for _, line := range strings.Split(document, "\n") {
			if command, found := strings.CutPrefix(line, "#   "); found {
				binds = append(binds, command)
			}
		}
	}
	identity = b.teleportUser(t, user, verbs, more...)
	kubeconfig = b.plane.KubeconfigFor(t, user)
	if len(kubernetes) == 0 {
		return kubeconfig, identity
	}
	if _, stderr, err := b.plane.Kubectl(t.Context(), strings.NewReader(strings.Join(kubernetes, "---\n")), "apply", "--server-side", "-f", "-"); err != nil {
		t.Fatal(stderr)
	}
	b.asAdministrator(t, strings.Join(binds, "\n"))
	b.waitFor(t, kubeconfig, asked...)
	return kubeconfig, identity
}

func accessOf(namespace string, r right) kube.Access {
	access := kube.Access{Verb: r.rule.Verbs[0]}
	if len(r.rule.NonResourceURLs) > 0 {
		access.Path = r.rule.NonResourceURLs[0]
		return access
	}
	resource, subresource, _ := strings.Cut(r.rule.Resources[0], "/")
	access.Group, access.Resource, access.Subresource = r.rule.APIGroups[0], resource, subresource
	if !r.everywhere {
		access.Namespace = namespace
	}
	if len(r.rule.ResourceNames) > 0 {
		access.Name = r.rule.ResourceNames[0]
	}
	return access
}

// job is a command that runs by the roles that are printed for it.
type job struct {
	command string
	// flags are the answers that narrow what is printed.
	flags []string
	args  []string
	// good tells that a run did all that the command is for; nil wants exit code 0.
	good func(outcome) error
	// before brings the bench to where each run starts; nil needs nothing, and lets the runs go side by side.
	before func()
	// then brings the bench to where the rights are needed that thenArgs is for; nil where there is no such state.
	then     func()
	thenArgs []string
}

// holds runs a command with exactly what was printed for it, and then without one verb of it after the other: no less will do.
func (b *bench) holds(t *testing.T, j job) {
	t.Helper()
	text := b.permissions(t, j.command, j.flags...)
	kubernetes, teleport := printed(t, text)
	name := strings.NewReplacer(" ", "", "-", "").Replace(j.command) + strings.TrimPrefix(b.namespace, "test")
	all, identity := b.grantedAsPrinted(t, name, text)
	run := func(t *testing.T, args []string, kubeconfig, identity string) error {
		t.Helper()
		if j.before != nil {
			j.before()
		}
		got := b.run(t, append(slices.Clone(args), "--kubeconfig", kubeconfig, "--identity", identity)...)
		if j.good != nil {
			return j.good(got)
		}
		if got.code != 0 {
			return fmt.Errorf("exit code %d\n%s\n%s", got.code, got.stdout, got.stderr)
		}
		return nil
	}
	// lacking are logins that lack one right each, by its name.
	type lacking struct{ what, kubeconfig, identity string }
	var least []lacking
	for i, dropped := range kubernetes {
		kubeconfig := b.userWith(t, fmt.Sprintf("%s-k%d", name, i), slices.Delete(slices.Clone(kubernetes), i, i+1))
		least = append(least, lacking{dropped.text, kubeconfig, identity})
	}
	for i, dropped := range teleport {
		least = append(least, lacking{dropped.String(), all, b.teleportUser(t, fmt.Sprintf("%s-t%d", name, i), slices.Delete(slices.Clone(teleport), i, i+1))})
	}
	without := func(args []string) (unnoticed []lacking) {
		var lock sync.Mutex
		t.Run("without", func(t *testing.T) {
			for _, one := range least {
				t.Run(one.what, func(t *testing.T) {
					if j.before == nil {
						t.Parallel()
					}
					if run(t, args, one.kubeconfig, one.identity) == nil {
						lock.Lock()
						defer lock.Unlock()
						unnoticed = append(unnoticed, one)
					}
				})
			}
		})
		return unnoticed
	}
	if err := run(t, j.args, all, identity); err != nil {
		t.Errorf("%s does not run with what is printed: %v\n%s", j.command, err, text)
	}
	least = without(j.args)
	if j.then != nil {
		j.then()
		if err := run(t, j.thenArgs, all, identity); err != nil {
			t.Errorf("%s does not run with what is printed: %v\n%s", j.command, err, text)
		}
		least = without(j.thenArgs)
	}
	for _, one := range least {
		t.Errorf("%s runs without the right to %s, which is printed as needed", j.command, one.what)
	}
}

// sawAll wants a doctor that had no need to take one thing for the proof of another.
func sawAll(got outcome) error {
	if got.code != 0 {
		return fmt.Errorf("exit code %d\n%s", got.code, got.stdout)
	}
	var document looked
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		return err
	}
	for _, check := range document.Checks {
		if strings.HasPrefix(check.Observed, "proved by ") {
			return fmt.Errorf("%s was not looked at", check.ID)
		}
	}
	return nil
}

// TestPermissionsOfWhatLives holds that the commands about an installation run with exactly the roles that are printed for them, and
// that each verb of these is needed.
func TestPermissionsOfWhatLives(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.healthy(t)
	stop := func() { b.stop(t) }
	for _, j := range []job{
		{command: "verify --evidence", args: b.verifyArgs("--evidence")},
		{command: "doctor", args: b.lookArgs("-o", "json"), good: sawAll},
		{command: "doctor --before", args: b.lookArgs("--before", "-o", "json"), good: sawAll},
		{command: "doctor --scope namespace", args: b.lookArgs("--scope", "namespace", "-o", "json"), good: sawAll},
		{command: "doctor --prove", args: b.lookArgs("--prove", "-o", "json"), good: sawAll, then: stop, thenArgs: b.lookArgs("--prove", "--only", "TBC803", "-o", "json")},
		{command: "verify", args: b.verifyArgs()},
	} {
		t.Run(j.command, func(t *testing.T) { b.holds(t, j) })
	}
}

// TestPermissionsOfDelete holds the same of delete, which takes something away with each run that goes through.
func TestPermissionsOfDelete(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.holds(t, job{command: "delete", args: b.deleteArgs(), before: func() {
		// A run that failed half-way may have left a Deployment that is going.
		testkit.Eventually(t, "no Deployment to be going", func(ctx context.Context) error {
			live, err := b.plane.Client().AppsV1().Deployments(b.namespace).Get(ctx, "tbot", metav1.GetOptions{})
			if err == nil && live.DeletionTimestamp != nil {
				return errors.New("it is going")
			}
			return nil
		})
		b.run(t, b.initArgs("--no-wait", "--prove", "never")...).want(t, 0)
	}})
}

// TestPermissionsOfDiff holds the same of diff, before anything is there and once all is.
func TestPermissionsOfDiff(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	args := b.diffArgs("-o", "json")
	b.holds(t, job{command: "diff", flags: []string{"--roles", "access"}, args: args, good: sawEach, then: func() { b.install(t) }, thenArgs: args})
}

// sawEach wants a diff that saw of each resource that it is not there, or that it is as it should be.
func sawEach(got outcome) error {
	var document diffDocument
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		return err
	}
	if document.Error != "" || len(document.Resources) == 0 {
		return fmt.Errorf("%d resources, and %q", len(document.Resources), document.Error)
	}
	for _, resource := range document.Resources {
		if first := document.Resources[0].Action; resource.Action != first || first != "create" && first != "same" {
			return fmt.Errorf("%s %s: %s", resource.Kind, resource.Name, resource.Action)
		}
	}
	return nil
}

// TestPermissionsOfInit holds that what is printed for init is what init checks beforehand, which other tests take away verb by verb;
// and that init runs with it, waiting and all.
func TestPermissionsOfInit(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	for name, row := range map[string]struct {
		flags      []string
		kubernetes []right
		teleport   []verbOn
	}{
		"tbot":     {[]string{"--roles", "access"}, leastRights(), leastVerbs()},
		"an agent": {[]string{"--workload", "agent", "--agent-release", "teleport-app-service", "--proxy-ca", b.path("web-ca.pem")}, leastAgentRights(), leastVerbs()[3:]},
	} {
		kubernetes, teleport := printed(t, b.permissions(t, "init", row.flags...))
		if got, want := texts(kubernetes), texts(row.kubernetes); !slices.Equal(got, want) {
			t.Errorf("%s: in Kubernetes printed\n%q, wanted\n%q", name, got, want)
		}
		if !slices.Equal(teleport, row.teleport) {
			t.Errorf("%s: in Teleport printed %v, wanted %v", name, teleport, row.teleport)
		}
	}
	b.play(t)
	kubeconfig, identity := b.grantedAsPrinted(t, "init-"+b.namespace, b.permissions(t, "init", "--roles", "access"))
	b.run(t, b.initArgs("--kubeconfig", kubeconfig, "--identity", identity)...).want(t, 0)
}

func texts(rights []right) []string {
	all := make([]string, 0, len(rights))
	for _, r := range rights {
		all = append(all, r.text)
	}
	slices.Sort(all)
	return all
}

// TestPermissionsWithoutProof holds that an init that proves nothing needs to see its namespace instead, and no pods.
func TestPermissionsWithoutProof(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	text := b.permissions(t, "init", "--roles", "access", "--prove", "never", "--no-wait")
	kubernetes, _ := printed(t, text)
	args := b.initArgs("--prove", "never", "--no-wait", "--identity", b.path("admin.identity"))
	for i, dropped := range kubernetes {
		if dropped.rule.Resources == nil || dropped.rule.Resources[0] != "namespaces" {
			continue
		}
		kubeconfig := b.userWith(t, "unseen-"+b.namespace, slices.Delete(slices.Clone(kubernetes), i, i+1))
		b.run(t, append(args, "--kubeconfig", kubeconfig)...).want(t, 5)
	}
	kubeconfig, _ := b.grantedAsPrinted(t, "unproven-"+b.namespace, text)
	b.run(t, append(args, "--kubeconfig", kubeconfig)...).want(t, 0)
	if strings.Contains(text, `"pods"`) {
		t.Errorf("rights on pods are printed:\n%s", text)
	}
}

// TestPermissionsWithNamespace holds that the roles for a namespace that is still to be made, and is removed again, are enough as
// printed.
func TestPermissionsWithNamespace(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.namespace += "-new"
	kubeconfig, identity := b.grantedAsPrinted(t, "maker-"+b.namespace, b.permissions(t, "init", "--create-namespace", "--roles", "access"))
	b.mayIdentify(t, kubeconfig, "maker-"+b.namespace)
	b.run(t, b.initArgs("--create-namespace", "--no-wait", "--kubeconfig", kubeconfig, "--identity", identity)...).want(t, 0)

	kubeconfig, identity = b.grantedAsPrinted(t, "remover-"+b.namespace, b.permissions(t, "delete", "--create-namespace", "--purge-outputs"))
	got := b.run(t, b.deleteArgs("--purge-outputs", "--kubeconfig", kubeconfig, "--identity", identity, "-o", "json")...)
	got.want(t, 0)
	if told := deleteOf(t, got).of(t, "Namespace"); told.Result != "removed" {
		t.Errorf("the namespace: %+v", told)
	}
}

// mayIdentify lets a user know the cluster by what delete knows it by.
func (b *bench) mayIdentify(t *testing.T, kubeconfig, user string) {
	t.Helper()
	b.asAdministrator(t, "kubectl create clusterrole uid-"+user+" --verb=get --resource=namespaces --resource-name=kube-system\n"+
		"kubectl create clusterrolebinding uid-"+user+" --clusterrole=uid-"+user+" --user="+user)
	b.waitFor(t, kubeconfig, kube.Access{Verb: "get", Resource: "namespaces", Name: "kube-system"})
}

// TestPermissionsWords holds what is said to who asks in another way.
func TestPermissionsWords(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		args []string
		code int
		says string
	}{
		"in words":                        {[]string{"verify", "--evidence", "-n", "machines"}, 0, "What `tbotctl verify --evidence` needs"},
		"by name":                         {[]string{"doctor", "-n", "machines", "--name", "ci"}, 0, "deployments.apps ci: get"},
		"one side":                        {[]string{"init", "-n", "machines", "--side", "teleport"}, 0, "token: read, create, update"},
		"nothing but the help":            {nil, 0, "permissions [command]"},
		"a command in quotes":             {[]string{"verify --evidence"}, 2, "tbotctl permissions verify --evidence"},
		"a command that needs none":       {[]string{"render"}, 2, "`tbotctl render` asks no cluster for anything"},
		"no command":                      {[]string{"nosuch"}, 2, "knows init, diff, verify, doctor and delete"},
		"no namespace":                    {[]string{"init"}, 2, "--namespace: namespace that tbot runs in"},
		"a namespace that is none":        {[]string{"init", "-n", "a b"}, 2, "--namespace"},
		"Argo CD in no namespace":         {[]string{"init", "-n", "m", "--access", "argocd", "--kube-labels", "a=b", "--kube-groups", "g"}, 2, "--argocd-namespace"},
		"a binding without a name":        {[]string{"init", "-n", "m", "--access", "kubernetes", "--kube-labels", "a=b", "--kube-groups", "g", "--target-context", "x"}, 2, "--bot-name"},
		"targets without a context":       {[]string{"init", "-n", "m", "--for-targets"}, 2, "--target-context"},
		"no such proof":                   {[]string{"init", "-n", "m", "--prove", "maybe"}, 2, "--prove"},
		"no such scope":                   {[]string{"doctor", "-n", "m", "--scope", "world"}, 2, "--scope"},
		"an agent, of which verify knows": {[]string{"verify", "-n", "m", "--workload", "agent", "--agent-roles", "Kube", "--agent-kube-name", "k"}, 2, "is about tbot"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runWith(t, noClusters(t), "", append([]string{"permissions"}, row.args...)...).want(t, row.code, row.says)
		})
	}
}
