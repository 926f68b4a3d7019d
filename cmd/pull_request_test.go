package cmd_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gravitational/teleport/api/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// repository is a checkout that holds answers and files, and the login of the pipeline that reviews it, which may only read.
type repository struct {
	*bench
	answers, dir         string
	kubeconfig, identity string
}

// commit lets a developer write answers and files.
func (b *bench) commit(t *testing.T, more ...string) repository {
	t.Helper()
	r := repository{bench: b, answers: b.path("answers.yaml"), dir: b.path("repository")}
	b.run(t, b.filesArgs(r.dir, append([]string{"--save", r.answers, "--overwrite"}, more...)...)...).want(t, 0)
	return r
}

// pipeline gives CI its logins: on either side to read just what tbotctl makes there.
func (r *repository) pipeline(t *testing.T) {
	t.Helper()
	const rbac = "rbac.authorization.k8s.io"
	r.kubeconfig = r.userWith(t, r.namespace+"-ci", slices.Concat(
		rightOn("", "serviceaccounts", "tbot", "get"), rightOn(rbac, "roles", "tbot-output", "get"), rightOn(rbac, "rolebindings", "tbot-output", "get"),
		rightOn("", "configmaps", "tbot-config", "get"), rightOn("apps", "deployments", "tbot", "get"),
	))
	r.identity = r.teleportUser(t, "ci", []verbOn{{types.VerbRead, types.KindBot}, {types.VerbRead, types.KindToken}, {types.VerbRead, types.KindRole}})
}

// review compares as the pipeline, for which there is no issuer and no internet.
func (r repository) review(t *testing.T, more ...string) outcome {
	t.Helper()
	return runWith(t, func(f *cmd.Factory) { f.Issuer, f.Build.Version = nil, r.namespace }, "", append([]string{
		"diff", "--non-interactive", "--from", r.answers, "--kubeconfig", r.kubeconfig, "--identity", r.identity,
	}, more...)...)
}

// operate runs a command from the committed answers as an administrator of both clusters.
func (r repository) operate(t *testing.T, command string, more ...string) outcome {
	t.Helper()
	return r.run(t, append([]string{
		command, "--non-interactive", "--yes", "--from", r.answers, "--kubeconfig", r.plane.KubeconfigFile(), "--identity", r.path("admin.identity"), "--timeout", "60s",
	}, more...)...)
}

// sync is what Argo CD does with the Kubernetes files of a repository, and tctl with the Teleport one.
func (r repository) sync(t *testing.T) {
	t.Helper()
	r.kubectl(t, "apply", "--server-side", "--field-manager", "argocd-controller", "-f", filepath.Join(r.dir, "kubernetes"))
	for _, object := range []string{"serviceaccount/tbot", "role/tbot-output", "rolebinding/tbot-output", "configmap/tbot-config", "deployment/tbot"} {
		kind, name, _ := strings.Cut(object, "/")
		r.kubectl(t, "annotate", "--field-manager", "argocd-controller", object, fmt.Sprintf("argocd.argoproj.io/tracking-id=shop:%s:%s/%s", kind, r.namespace, name))
	}
	if err := r.make([]byte(r.read(t, filepath.Join(r.dir, "teleport", "resources.yaml")))); err != nil {
		t.Fatal(err)
	}
}

// versions are the resource versions of all that stands in the namespace but pods and ReplicaSets.
func (b *bench) versions(t *testing.T) string {
	t.Helper()
	stdout, stderr, err := b.plane.Kubectl(t.Context(), nil, "--namespace", b.namespace, "get", "serviceaccounts,roles,rolebindings,configmaps",
		"--output", `jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}`)
	if err != nil {
		t.Fatal(stderr)
	}
	deployment, err := b.plane.Client().AppsV1().Deployments(b.namespace).Get(t.Context(), "tbot", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%sDeployment %d", stdout, deployment.Generation)
}

// unwritten runs something and fails the test where it wrote to either cluster.
func (b *bench) unwritten(t *testing.T, run func() outcome) outcome {
	t.Helper()
	b.teleport.Reset()
	before, writes := b.versions(t), len(b.kubernetesWrites(t))
	got := run()
	if after := b.versions(t); after != before {
		t.Errorf("the objects changed from\n%s\nto\n%s", before, after)
	}
	if now := b.kubernetesWrites(t); len(now) != writes {
		t.Errorf("Kubernetes was written to: %v", now[writes:])
	}
	if written := b.teleport.Writes(); len(written) > 0 {
		t.Errorf("Teleport was written to: %v", written)
	}
	return got
}

// TestPullRequest follows a setup through Git: what CI, which may only read, says of it before and after the merge, and what init and
// delete do with what Argo CD keeps.
func TestPullRequest(t *testing.T) {
	t.Parallel()
	b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
	repository := b.commit(t)
	repository.pipeline(t)

	// What is committed is what the answers give, on any machine; and before the merge all of it differs.
	for side, paths := range map[string][]string{"kubernetes": {"kubernetes/rbac.yaml", "kubernetes/config.yaml", "kubernetes/deployment.yaml"}, "teleport": {"teleport/resources.yaml"}} {
		var committed []string
		for _, path := range paths {
			committed = append(committed, b.read(t, filepath.Join(repository.dir, path)))
		}
		rendered := runWith(t, noClusters(t), "", "render", "--from", repository.answers, "--side", side)
		rendered.want(t, 0)
		if want := strings.Join(committed, "---\n"); rendered.stdout != want {
			t.Errorf("render gives another %s side than the files:\n%s", side, rendered.stdout)
		}
	}
	repository.review(t).want(t, 3, "  + Deployment "+b.namespace+"/tbot", "7 of 7 resources differ; `tbotctl init`", "is not checked: this login may not read namespace kube-system")
	b.nothingWritten(t)

	repository.sync(t)
	merged := repository.review(t)
	merged.want(t, 0, "  = Deployment "+b.namespace+"/tbot\n", "  = ServiceAccount ")
	repository.onlyRead(t)

	// What the pods of the merged setup do.
	b.play(t)
	testkit.Eventually(t, "tbot to write its output", func(ctx context.Context) error {
		_, err := b.plane.Client().CoreV1().Secrets(b.namespace).Get(ctx, "tbot-output", metav1.GetOptions{})
		return err
	})
	b.kubectl(t, "rollout", "status", "deployment/tbot", "--timeout=60s")
	b.unwritten(t, func() outcome { return repository.operate(t, "init") }).want(t, 0, "nothing changed, and it works")

	// A change of the answers is printed for Git, and nobody's rights make init write it.
	memory := "spec.template.spec.containers[0].resources.limits.memory: 512Mi -> 1Gi, held by \"argocd-controller\""
	changed := b.unwritten(t, func() outcome { return repository.operate(t, "init", "--limits", "memory=1Gi") })
	changed.want(t, 3, "! Deployment "+b.namespace+"/tbot: managed by Argo CD application shop", memory, "change it in the repository that Argo CD application shop applies", "--take-over")
	rendered := runWith(t, noClusters(t), "", "render", "--from", repository.answers, "--limits", "memory=1Gi", "--side", "kubernetes")
	if parts := strings.Split(rendered.stdout, "---\n"); changed.stdout != parts[len(parts)-1] || !strings.Contains(changed.stdout, `"memory": "1Gi"`) {
		t.Errorf("stdout is not the Deployment as it should stand:\n%s", changed.stdout)
	}
	document := diffOf(t, b.unwritten(t, func() outcome { return repository.operate(t, "init", "--limits", "memory=1Gi", "-o", "json") }))
	for _, resource := range document.Resources {
		if kept := resource.Kind == "Deployment"; kept != (resource.Action == "conflict" && resource.Reason == "managed" && resource.Manifest == changed.stdout) {
			t.Errorf("%+v", resource)
		}
		if resource.System == "kubernetes" && resource.Manager != "Argo CD application shop" {
			t.Errorf("%s is managed by %q", resource.Kind, resource.Manager)
		}
	}
	repository.review(t, "--limits", "memory=1Gi").want(t, 3, memory, "1 of 7 resources differ; they change where they come from: change it in the repository")

	deleted := b.unwritten(t, func() outcome { return repository.operate(t, "delete") })
	deleted.want(t, 3, "nothing was deleted: other tools keep", "  Deployment "+b.namespace+"/tbot (managed by Argo CD application shop)", "Argo CD application shop: remove it from the repository", "argocd app sync shop --prune")

	taken := repository.operate(t, "init", "--limits", "memory=1Gi", "--take-over", "--no-wait", "--prove", "never")
	taken.want(t, 0, memory, "taken over: managed by Argo CD application shop", "is written by it again as long as it has it", "Deployment "+b.namespace+"/tbot: updated")
	live, err := b.plane.Client().AppsV1().Deployments(b.namespace).Get(t.Context(), "tbot", metav1.GetOptions{})
	if err != nil || live.Spec.Template.Spec.Containers[0].Resources.Limits.Memory().String() != "1Gi" {
		t.Errorf("the Deployment was not adopted: %v", err)
	}
	for _, got := range []outcome{merged, changed, deleted, taken} {
		b.noSecrets(t, got)
	}
}

// onlyRead holds the pipeline to gets of the objects: no issuer, no list, and nothing that was let through beside them.
func (r repository) onlyRead(t *testing.T) {
	t.Helper()
	events, err := r.plane.AuditEvents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, event := range events {
		if !strings.HasPrefix(event.UserAgent, "tbotctl/"+r.namespace) {
			continue
		}
		seen = true
		if event.Verb != "get" && (event.Verb != "patch" || !event.DryRun) || event.Resource == "" {
			t.Errorf("the pipeline asked for %s %s %s", event.Verb, event.Resource, event.URI)
		}
	}
	if !seen {
		t.Error("the audit log holds nothing of the pipeline")
	}
	if written := r.teleport.Writes(); len(written) > 0 {
		t.Errorf("Teleport was written to: %v", written)
	}
}

// TestKeptByOthers holds for each of the tools that init and delete name it and leave alone what it keeps.
func TestKeptByOthers(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		mark      func(*testing.T, *bench, initDocument)
		answers   []string
		id, owner string
		// change and remove are said of where to do that.
		change, remove string
	}{
		"Flux": {
			func(t *testing.T, b *bench, _ initDocument) {
				t.Helper()
				b.kubectl(t, "label", "deployment", "tbot", "kustomize.toolkit.fluxcd.io/name=apps", "kustomize.toolkit.fluxcd.io/namespace=flux-system")
			},
			[]string{"--limits", "memory=1Gi"},
			"Deployment ", "managed by Flux Kustomization flux-system/apps", "the repository that Flux", "Flux removes it where prune is on",
		},
		"Helm": {
			func(t *testing.T, b *bench, _ initDocument) {
				t.Helper()
				b.kubectl(t, "annotate", "deployment", "tbot", "meta.helm.sh/release-name=robots", "meta.helm.sh/release-namespace="+b.namespace)
			},
			[]string{"--limits", "memory=1Gi"},
			"Deployment ", "managed by Helm release ", "its values or its chart", "helm uninstall robots --namespace ",
		},
		"the operator": {
			func(t *testing.T, b *bench, made initDocument) {
				t.Helper()
				bot, _ := b.teleport.Bot(made.Setup.Bot)
				bot.Metadata.Labels[types.OriginLabel] = types.OriginKubernetes
				b.teleport.PutBot(bot)
			},
			[]string{"--roles", "access,auditor"},
			"bot ", "managed by the Teleport operator", "a TeleportBotV1", "delete the object that the operator makes it from",
		},
		"Terraform": {
			func(t *testing.T, b *bench, made initDocument) {
				t.Helper()
				token, _ := b.teleport.Token(made.Setup.Token)
				metadata := token.GetMetadata()
				metadata.Labels["tbotctl.dev/owner"] = "terraform"
				token.SetMetadata(metadata)
				b.teleport.PutToken(token)
			},
			[]string{"--service-account", "other"},
			"token ", "managed by Terraform", "its Terraform configuration", "remove it from the Terraform configuration",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, testkit.SelfManaged, teleporttest.Options{})
			row.mark(t, b, b.install(t))
			b.unwritten(t, func() outcome { return b.run(t, b.diffArgs()...) }).want(t, 0)
			got := b.unwritten(t, func() outcome { return b.run(t, b.initArgs(append(row.answers, "--no-wait")...)...) })
			got.want(t, 3, "! "+row.id, row.owner, row.change, "nothing was applied")
			b.unwritten(t, func() outcome { return b.run(t, b.deleteArgs()...) }).want(t, 3, "nothing was deleted", row.owner, row.remove)
			b.run(t, b.initArgs(append(row.answers, "--no-wait", "--take-over", "--prove", "never")...)...).want(t, 0, "taken over: "+row.owner)
			b.run(t, b.diffArgs(row.answers...)...).want(t, 0)
		})
	}
}
