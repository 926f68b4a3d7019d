package cmd_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// deleteDocument is what a script reads of `delete -o json`.
type deleteDocument struct {
	SchemaVersion int
	Setup         struct{ Context, Namespace, Proxy, ClusterName, Install string }
	Resources     []deletedResource
	Certificates  struct {
		MaxLifetimeSeconds int
		Lock               []string
	}
	Unknown  []string
	Complete bool
	Error    string
}

type deletedResource struct {
	System, Kind, Namespace, Name, Action, Result, Reason string
	UsedBy                                                []string
}

func deleteOf(t *testing.T, got outcome) deleteDocument {
	t.Helper()
	var document deleteDocument
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		t.Fatalf("stdout is not one JSON document: %v\n%s", err, got.stdout)
	}
	return document
}

func (d deleteDocument) of(t *testing.T, kind string) deletedResource {
	t.Helper()
	i := slices.IndexFunc(d.Resources, func(r deletedResource) bool { return r.Kind == kind })
	if i < 0 {
		t.Fatalf("the document holds no %s: %+v", kind, d.Resources)
	}
	return d.Resources[i]
}

// deleteArgs are the flags of a complete delete; later ones win.
func (b *bench) deleteArgs(more ...string) []string {
	return append([]string{
		"delete", "--non-interactive", "--yes", "--kubeconfig", b.plane.KubeconfigFile(), "--context", b.plane.Flavour().String(),
		"--namespace", b.namespace, "--proxy", b.teleport.Addr(), "--proxy-ca", b.path("web-ca.pem"),
		"--identity", b.path("admin.identity"), "--timeout", "60s",
	}, more...)
}

// install makes an installation the short way: nothing is proven and nothing waited for.
func (b *bench) install(t *testing.T, more ...string) initDocument {
	t.Helper()
	got := b.run(t, b.initArgs(append([]string{"--no-wait", "--prove", "never", "-o", "json"}, more...)...)...)
	got.want(t, 0)
	return got.document(t)
}

// standing lists what tbotctl made that is still in the test's namespace and in Teleport, pods too.
func (b *bench) standing(t *testing.T, made initDocument) []string {
	t.Helper()
	stdout, stderr, err := b.plane.Kubectl(t.Context(), nil, "--namespace", b.namespace, "get",
		"deployments,replicasets,pods,configmaps,serviceaccounts,roles,rolebindings", "--selector", spec.LabelManagedBy+"="+spec.ManagedBy, "--output", "name")
	if err != nil {
		t.Fatal(stderr)
	}
	found := strings.Fields(string(stdout))
	if _, there := b.teleport.Token(made.Setup.Token); there {
		found = append(found, "token")
	}
	if _, there := b.teleport.Bot(made.Setup.Bot); there {
		found = append(found, "bot")
	}
	return found
}

func (b *bench) nothingStands(t *testing.T, made initDocument) {
	t.Helper()
	if left := b.standing(t, made); len(left) > 0 {
		t.Errorf("left behind: %s", strings.Join(left, ", "))
	}
}

func (b *bench) allStands(t *testing.T, made initDocument) {
	t.Helper()
	found := strings.Join(b.standing(t, made), " ")
	for _, part := range []string{"deployment.apps/tbot", "configmap/tbot-config", "serviceaccount/tbot", "role.rbac.authorization.k8s.io/tbot-output", "token", "bot"} {
		if !strings.Contains(found, part) {
			t.Errorf("%s was deleted; there is %s", part, found)
		}
	}
}

// TestDelete undoes a whole, running installation: the token goes while the Deployment still stands, the Secret stays and is
// known to be in use, and nothing else is left. A second run has nothing to do.
func TestDelete(t *testing.T) {
	t.Parallel()
	var b *bench
	tokenWentFirst := false
	b = newBench(t, testkit.SelfManaged, teleporttest.Options{Before: func(ctx context.Context, r teleporttest.Request) error {
		if strings.HasSuffix(r.Method, "/DeleteToken") {
			deployment, err := b.plane.Client().AppsV1().Deployments(b.namespace).Get(ctx, "tbot", metav1.GetOptions{})
			tokenWentFirst = err == nil && deployment.DeletionTimestamp == nil && deployment.Status.ReadyReplicas == 1
		}
		return nil
	}})
	b.play(t)
	initialized := b.run(t, b.initArgs("-o", "json")...)
	initialized.want(t, 0)
	made := initialized.document(t)
	consumer := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"consumer","namespace":"` + b.namespace + `"},"spec":{
		"schedulingGates":[{"name":"example.com/gate"}],"containers":[{"name":"c","image":"registry.example.com/c:1"}],
		"volumes":[{"name":"v","secret":{"secretName":"tbot-output"}}]}}`
	if _, stderr, err := b.plane.Kubectl(t.Context(), reader(consumer), "apply", "-f", "-"); err != nil {
		t.Fatal(stderr)
	}

	probe := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"tbot-probe-left","namespace":"` + b.namespace + `",
		"labels":{"tbotctl.dev/probe":"true","app.kubernetes.io/managed-by":"tbotctl"},"annotations":{"tbotctl.dev/install":"` + made.Setup.Install + `"}},
		"spec":{"schedulingGates":[{"name":"tbotctl.dev/probe"}],"containers":[{"name":"c","image":"registry.example.com/c:1"}]}}`
	if _, stderr, err := b.plane.Kubectl(t.Context(), reader(probe), "apply", "-f", "-"); err != nil {
		t.Fatal(stderr)
	}

	got := b.run(t, b.deleteArgs("-o", "json")...)
	got.want(t, 0, "token "+made.Setup.Token+": removed", "Pod "+b.namespace+"/tbot-probe-left: removed")
	document := deleteOf(t, got)
	b.nothingStands(t, made)
	if document.SchemaVersion != 1 || !document.Complete || document.Error != "" || len(document.Unknown) > 0 || document.Setup.Install != made.Setup.Install {
		t.Errorf("document %+v", document)
	}
	for _, kind := range []string{"token", "Deployment", "RoleBinding", "Role", "ConfigMap", "ServiceAccount", "bot"} {
		if resource := document.of(t, kind); resource.Action != "remove" || resource.Result != "removed" {
			t.Errorf("%s: %+v", kind, resource)
		}
	}
	if secret := document.of(t, "Secret"); secret.Result != "keep" || !slices.Equal(secret.UsedBy, []string{"consumer"}) {
		t.Errorf("Secret: %+v, want it kept and used by the pod consumer", secret)
	}
	if namespace := document.of(t, "Namespace"); namespace.Result != "keep" || namespace.Reason != "not made by tbotctl" {
		t.Errorf("Namespace: %+v", namespace)
	}
	lock := "tctl lock --user=bot-" + made.Setup.Bot + " --message='removed by tbotctl' --ttl=1h"
	if document.Certificates.MaxLifetimeSeconds != 3600 || !slices.Equal(document.Certificates.Lock, []string{lock}) {
		t.Errorf("certificates %+v, want an hour and %s", document.Certificates, lock)
	}
	if !tokenWentFirst {
		t.Error("the token did not go while the Deployment stood and ran")
	}
	order := b.deletions(t)
	if want := []string{"deployments", "rolebindings", "roles", "configmaps", "serviceaccounts"}; !slices.Equal(order[max(0, len(order)-5):], want) {
		t.Errorf("deleted in the order %v, want %v at the end", order, want)
	}
	if _, err := b.plane.Client().CoreV1().Secrets(b.namespace).Get(t.Context(), "tbot-output", metav1.GetOptions{}); err != nil {
		t.Errorf("the output Secret: %v", err)
	}
	b.noSecrets(t, got)

	before := len(b.deletions(t))
	b.teleport.Reset()
	again := b.run(t, b.deleteArgs()...)
	again.want(t, 0, "Nothing to delete", "Left alone: Secret "+b.namespace+"/tbot-output", "used by pods consumer")
	if after := b.deletions(t); len(after) != before {
		t.Errorf("the second run deleted %v", after[before:])
	}
	for _, request := range b.teleport.Requests() {
		if request.Write {
			t.Errorf("the second run wrote to Teleport: %s", request.Method)
		}
	}
}

// deletions are the resources that tbotctl asked to delete in the test's namespace, in order, the rehearsal's too.
func (b *bench) deletions(t *testing.T) []string {
	t.Helper()
	events, err := b.plane.AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var resources []string
	for _, event := range events {
		if event.Namespace == b.namespace && event.Verb == "delete" && strings.HasPrefix(event.UserAgent, "tbotctl/") {
			resources = append(resources, event.Resource)
		}
	}
	// The proof removes its own pod.
	return slices.DeleteFunc(resources, func(r string) bool { return r == "pods" })
}

// TestDeleteOfOtherNames finds an installation by its marks and its own configuration, although the names are not given again.
func TestDeleteOfOtherNames(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	made := b.install(t, "--bot-name", "robot", "--token-name", "door", "--service-account", "runner", "--output-secret", "keys")
	if made.Setup.Token != "door" || made.Setup.Bot != "robot" {
		t.Fatalf("setup %+v", made.Setup)
	}
	got := b.run(t, b.deleteArgs()...)
	got.want(t, 0, "token door: removed", "bot robot: removed", "ServiceAccount "+b.namespace+"/runner: removed", "tctl lock --user=bot-robot ")
	b.nothingStands(t, made)
}

// TestDeleteLeavesOthersAlone holds that a name alone makes nothing ours.
func TestDeleteLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	made := b.install(t)
	b.kubectl(t, "annotate", "--overwrite", "role", "tbot-output", "tbotctl.dev/install=ffffffff/other.example.com/machines/tbot")
	b.kubectl(t, "annotate", "configmap", "tbot-config", "tbotctl.dev/install-")
	b.kubectl(t, "annotate", "serviceaccount", "tbot", "tbotctl.dev/install-", "argocd.argoproj.io/tracking-id=app:v1:ServiceAccount")
	b.kubectl(t, "create", "configmap", "theirs")
	b.kubectl(t, "create", "secret", "generic", "tbot-output", "--from-literal", "password=none")
	bot, _ := b.teleport.Bot(made.Setup.Bot)
	delete(bot.GetMetadata().GetLabels(), spec.MarkInstall)
	b.teleport.PutBot(bot)

	got := b.run(t, b.deleteArgs("--purge-outputs", "-o", "json")...)
	got.want(t, 0)
	document := deleteOf(t, got)
	for kind, reason := range map[string]string{
		"Role": `made by tbotctl for "ffffffff/other.example.com/machines/tbot"`, "ConfigMap": "not made by tbotctl", "bot": "not made by tbotctl",
		"ServiceAccount": "not made by tbotctl", "Secret": "its data is not tbot's alone",
	} {
		if resource := document.of(t, kind); resource.Result != "keep" || !strings.Contains(resource.Reason, reason) {
			t.Errorf("%s: %+v, want it kept because %s", kind, resource, reason)
		}
	}
	if len(document.Certificates.Lock) > 0 {
		t.Errorf("a lock for a bot that stays: %v", document.Certificates.Lock)
	}
	b.kubectl(t, "get", "role/tbot-output", "configmap/tbot-config", "configmap/theirs", "serviceaccount/tbot", "secret/tbot-output")
	if left := b.standing(t, made); slices.Contains(left, "token") || slices.Contains(left, "deployment.apps/tbot") || !slices.Contains(left, "bot") {
		t.Errorf("what stands: %v", left)
	}
}

// TestDeleteNamespace takes a namespace along that init made and that nothing else lives in, and no other.
func TestDeleteNamespace(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		others, purge bool
		reason        string
	}{
		"empty":                     {purge: true},
		"somebody else's ConfigMap": {others: true, purge: true, reason: "holds ConfigMap theirs"},
		"the output that stays":     {reason: "holds Secret tbot-output"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			b.namespace += "-new"
			b.play(t)
			initialized := b.run(t, b.initArgs("--create-namespace", "-o", "json")...)
			initialized.want(t, 0)
			if row.others {
				b.kubectl(t, "create", "configmap", "theirs")
			}
			args := b.deleteArgs("-o", "json")
			if row.purge {
				args = append(args, "--purge-outputs")
			}
			got := b.run(t, args...)
			got.want(t, 0)
			document := deleteOf(t, got)
			if !document.Complete {
				t.Errorf("document %+v", document)
			}
			b.nothingStands(t, initialized.document(t))
			namespace := document.of(t, "Namespace")
			_, err := b.plane.Client().CoreV1().Namespaces().Get(t.Context(), b.namespace, metav1.GetOptions{})
			if row.reason == "" {
				if namespace.Result != "removed" || err == nil {
					t.Errorf("namespace %+v; reading it: %v", namespace, err)
				}
				if secret := document.of(t, "Secret"); secret.Result != "removed" {
					t.Errorf("secret %+v", secret)
				}
				b.run(t, b.deleteArgs()...).want(t, 0, "Nothing to delete")
				return
			}
			if namespace.Result != "keep" || namespace.Reason != row.reason || err != nil {
				t.Errorf("namespace %+v, want it kept because it %s; reading it: %v", namespace, row.reason, err)
			}
		})
	}
}
