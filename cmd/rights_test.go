package cmd_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// right is one verb on one thing, with the words in which tbotctl names it.
type right struct {
	rule rbacv1.PolicyRule
	text string
	// everywhere is for what is in no namespace.
	everywhere bool
}

func rightOn(group, resource, name string, verbs ...string) []right {
	var all []right
	for _, verb := range verbs {
		rule := rbacv1.PolicyRule{APIGroups: []string{group}, Resources: []string{resource}, Verbs: []string{verb}}
		text := verb + " " + resource
		if name != "" {
			rule.ResourceNames = []string{name}
			text += " " + name
		}
		all = append(all, right{rule: rule, text: text})
	}
	return all
}

func rightToRead(path string) []right {
	return []right{{rule: rbacv1.PolicyRule{NonResourceURLs: []string{path}, Verbs: []string{"get"}}, text: "get " + path, everywhere: true}}
}

// leastRights are all that init needs in a namespace that is there, written down by hand.
func leastRights() []right {
	const rbac = "rbac.authorization.k8s.io"
	return slices.Concat(
		rightToRead("/.well-known/openid-configuration"), rightToRead("/openid/v1/jwks"),
		rightOn("", "serviceaccounts", "tbot", "get", "patch", "create"),
		rightOn(rbac, "roles", "tbot-output", "get", "patch", "create"),
		rightOn(rbac, "rolebindings", "tbot-output", "get", "patch", "create"),
		rightOn("", "secrets", "tbot-output", "get", "patch", "create"),
		rightOn("", "configmaps", "tbot-config", "get", "patch", "create"),
		rightOn("apps", "deployments", "tbot", "get", "patch", "create"),
		rightOn("", "pods", "", "list", "create", "delete"),
		rightOn("", "serviceaccounts/token", "tbot", "create"),
	)
}

// sentinel is a right that every user of these tests gets, to see that the others count too.
const sentinel = "sentinel"

// userWith makes a user with just these rights in the bench's namespace, and gives the kubeconfig.
func (b *bench) userWith(t *testing.T, user string, rights []right) (kubeconfig string) {
	t.Helper()
	rbac := b.plane.Client().RbacV1()
	inside := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{sentinel}, Verbs: []string{"get"}}}
	outside := []rbacv1.PolicyRule{{NonResourceURLs: []string{"/" + sentinel}, Verbs: []string{"get"}}}
	for _, r := range rights {
		if r.everywhere {
			outside = append(outside, r.rule)
		} else {
			inside = append(inside, r.rule)
		}
	}
	meta := metav1.ObjectMeta{Name: user}
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}}
	ref := func(kind string) rbacv1.RoleRef {
		return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: user}
	}
	_, roleErr := rbac.Roles(b.namespace).Create(t.Context(), &rbacv1.Role{ObjectMeta: meta, Rules: inside}, metav1.CreateOptions{})
	_, bindingErr := rbac.RoleBindings(b.namespace).Create(t.Context(), &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref("Role"), Subjects: subjects}, metav1.CreateOptions{})
	_, clusterErr := rbac.ClusterRoles().Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: meta, Rules: outside}, metav1.CreateOptions{})
	_, clusterBindingErr := rbac.ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref("ClusterRole"), Subjects: subjects}, metav1.CreateOptions{})
	if err := errors.Join(roleErr, bindingErr, clusterErr, clusterBindingErr); err != nil {
		t.Fatal(err)
	}
	kubeconfig = b.plane.KubeconfigFor(t, user)
	b.waitFor(t, kubeconfig, kube.Access{Verb: "get", Resource: "configmaps", Namespace: b.namespace, Name: sentinel}, kube.Access{Verb: "get", Path: "/" + sentinel})
	return kubeconfig
}

// waitFor waits until the API server has taken over what RBAC says.
func (b *bench) waitFor(t *testing.T, kubeconfig string, accesses ...kube.Access) {
	t.Helper()
	cluster, err := kube.Connect(kube.Options{Kubeconfig: kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the rights to count", func(ctx context.Context) error {
		for i, verdict := range cluster.Can(ctx, accesses) {
			if verdict.Err != nil || !verdict.Allowed {
				return errors.Join(errors.New(accesses[i].String()+" is not allowed"), verdict.Err)
			}
		}
		return nil
	})
}

// rightsFinding is what the JSON document says of a check.
type rightsFinding struct{ ID, Status, Observed, Fix string }

func (o outcome) finding(t *testing.T, id string) rightsFinding {
	t.Helper()
	var document struct{ Checks []rightsFinding }
	if err := json.Unmarshal([]byte(o.stdout), &document); err != nil {
		t.Fatalf("stdout is not one JSON document: %v\n%s\n%s", err, o.stdout, o.stderr)
	}
	for _, check := range document.Checks {
		if check.ID == id {
			return check
		}
	}
	t.Fatalf("there is no %s in %+v", id, document.Checks)
	return rightsFinding{}
}

// TestLeastKubernetesRights holds that init runs through with the least rights, and that to lack any one of them is said, by that
// very name, before anything is written.
func TestLeastKubernetesRights(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	b.teleport.Reset()
	least := leastRights()
	t.Run("without", func(t *testing.T) {
		for i, dropped := range least {
			t.Run(dropped.text, func(t *testing.T) {
				t.Parallel()
				user := strings.ReplaceAll(strings.Trim(dropped.text, "/."), " ", "-") + "-" + b.namespace
				kubeconfig := b.userWith(t, strings.ReplaceAll(user, "/", "-"), slices.Delete(slices.Clone(least), i, i+1))
				got := b.run(t, b.initArgs("--kubeconfig", kubeconfig, "--no-wait", "-o", "json")...)
				got.want(t, 3, "TBC601", "nothing was applied")
				finding := got.finding(t, "TBC601")
				lacks, _, _ := strings.Cut(finding.Observed, " (") // why it is needed, where it is not plain
				if finding.Status != "fail" || lacks != "this login may not, in namespace "+b.namespace+": "+dropped.text {
					t.Errorf("finding %+v, want exactly %q to be missing", finding, dropped.text)
				}
			})
		}
	})
	b.nothingWritten(t)
	kubeconfig := b.userWith(t, "least-"+b.namespace, least)
	got := b.run(t, b.initArgs("--kubeconfig", kubeconfig, "--no-wait", "-o", "json")...)
	got.want(t, 0)
	if finding := got.finding(t, "TBC601"); finding.Status != "pass" {
		t.Errorf("finding %+v", finding)
	}
	b.noProbePods(t)
}

// TestOtherKubernetesRights holds the rights that stand in for others, and those that a run with less to do does not need.
func TestOtherKubernetesRights(t *testing.T) {
	t.Parallel()
	const rbac = "rbac.authorization.k8s.io"
	without := func(words ...string) []right {
		return slices.DeleteFunc(leastRights(), func(r right) bool {
			return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(r.text, word) })
		})
	}
	for name, row := range map[string]struct {
		rights []right
		args   []string
	}{
		"escalate and bind in place of the Secret's own": {
			slices.Concat(without("secrets"), rightOn(rbac, "roles", "tbot-output", "escalate", "bind")), nil,
		},
		"a service account's token in place of the issuer's documents": {
			slices.Concat(without("/openid"), rightOn("", "serviceaccounts/token", "default", "create")), nil,
		},
		"no pods without a proof and without waiting": {without("pods", "serviceaccounts/token"), []string{"--prove", "never"}},
		"nothing of Secrets without an output":        {without("secrets", "roles", "rolebindings"), []string{"--access", "none", "--roles", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			kubeconfig := b.userWith(t, "other-"+b.namespace, row.rights)
			got := b.run(t, b.initArgs(append(row.args, "--kubeconfig", kubeconfig, "--no-wait", "-o", "json")...)...)
			if finding := got.finding(t, "TBC601"); finding.Status != "pass" {
				t.Errorf("finding %+v", finding)
			}
			// Without a proof nothing settles that the namespace could not be looked at.
			code := 0
			if slices.Contains(row.args, "never") {
				code = 5
			}
			got.want(t, code)
		})
	}
}

// TestKubernetesRightsAreGranted holds that who has no rights gets one list of all, and that the fix, run as it stands by an
// administrator, is enough.
func TestKubernetesRightsAreGranted(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		suffix string
		args   []string
		want   []string
	}{
		"in a namespace":       {"", nil, []string{"get, patch, create serviceaccounts tbot", "list, create, delete pods"}},
		"with a new namespace": {"-new", []string{"--create-namespace"}, []string{"get, patch, create namespaces ", "get, patch, create deployments tbot"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			b.teleport.Reset()
			user := "nobody-" + b.namespace
			kubeconfig := b.plane.KubeconfigFor(t, user)
			b.namespace += row.suffix
			args := b.initArgs(append(row.args, "--kubeconfig", kubeconfig, "--no-wait", "-o", "json")...)
			got := b.run(t, args...)
			got.want(t, 3, "TBC601", "nothing was applied")
			finding := got.finding(t, "TBC601")
			for _, part := range row.want {
				if !strings.Contains(finding.Observed, part) {
					t.Errorf("%q is not in the list: %s", part, finding.Observed)
				}
			}
			b.nothingWritten(t)

			_, script, found := strings.Cut(finding.Fix, "grants it with: ")
			if !found {
				t.Fatalf("no command in the fix: %s", finding.Fix)
			}
			// Roles of the whole cluster are shared by all tests of it.
			b.asAdministrator(t, strings.NewReplacer("USER", user, "tbotctl-init", user).Replace(script))
			b.waitFor(
				t, kubeconfig, kube.Access{Verb: "delete", Resource: "pods", Namespace: b.namespace},
				kube.Access{Verb: "get", Path: "/openid/v1/jwks"},
			)
			b.run(t, args...).want(t, 0)
		})
	}
}

// asAdministrator runs a shell script with the real kubectl.
func (b *bench) asAdministrator(t *testing.T, script string) {
	t.Helper()
	assets, err := testkit.AssetsDir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shell := exec.CommandContext(t.Context(), "sh", "-ec", script)
	shell.Env = append(os.Environ(), "PATH="+assets+":"+os.Getenv("PATH"), "KUBECONFIG="+b.plane.KubeconfigFile())
	if said, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%s\n%v: %s", script, err, said)
	}
}
