package plan_test

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// syncs applies everything of the Kubernetes side as a tool does that has it from Git.
func (b bench) syncs(t *testing.T, s spec.Setup, args ...string) {
	t.Helper()
	var stream bytes.Buffer
	if err := render(t, s).Side(spec.SideKubernetes).Write(&stream); err != nil {
		t.Fatal(err)
	}
	if _, stderr, err := b.plane.Kubectl(t.Context(), &stream, append([]string{"apply", "-f", "-"}, args...)...); err != nil {
		t.Fatal(stderr)
	}
}

// Whatever marks an object as a tool's, it is unchanged where it holds what we render, and never ours to change.
func TestManagedObjects(t *testing.T) {
	t.Parallel()
	const all = "deployment,configmap,serviceaccount,role,rolebinding"
	for name, row := range map[string]struct {
		manager string
		marks   [][]string
		want    string
	}{
		"Argo CD, server side": {"argocd-controller", [][]string{{"annotate", all, "argocd.argoproj.io/tracking-id=shop:x"}}, "Argo CD application shop"},
		"Argo CD by its label": {"argocd-controller", [][]string{{"label", "--overwrite", all, "app.kubernetes.io/instance=shop"}}, "Argo CD"},
		"Argo CD, client side": {"", [][]string{{"annotate", all, "argocd.argoproj.io/tracking-id=shop:x"}}, "Argo CD application shop"},
		"Flux":                 {"kustomize-controller", [][]string{{"label", all, "kustomize.toolkit.fluxcd.io/name=apps", "kustomize.toolkit.fluxcd.io/namespace=flux-system"}}, "Flux Kustomization flux-system/apps"},
		"Helm": {"helm", [][]string{
			{"label", "--overwrite", all, "app.kubernetes.io/managed-by=Helm"}, {"annotate", all, "meta.helm.sh/release-name=tbot", "meta.helm.sh/release-namespace=m"},
		}, "Helm release m/tbot"},
		"Terraform": {"Terraform", nil, "Terraform"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "18.2.0")
			args := []string{"--server-side", "--field-manager", row.manager}
			if row.manager == "" {
				args = nil
			}
			b.syncs(t, b.rich(), args...)
			for _, mark := range row.marks {
				b.kubectl(t, slices.Concat(mark[:1], []string{"--all"}, mark[1:])...)
			}
			same := b.by(t, b.kube, b.rich())
			for _, item := range same.Items {
				if item.Action != plan.Same || item.Manager.String() != row.want {
					t.Errorf("%s: %s by %q, %v", item.Resource.ID(), item.Action, item.Manager, item.Changes)
				}
			}
			changed := b.rich()
			changed.Workload.Limits["memory"] = "2Gi"
			found := item(t, b.by(t, b.kube, changed), "Deployment")
			if found.Action != plan.Conflict || found.Reason != plan.Managed || found.Owner != "managed by "+row.want {
				t.Errorf("%+v, want it left to %s", found, row.want)
			}
			const path = "spec.template.spec.containers[0].resources.limits.memory"
			if !slices.Equal(paths(found), []string{path}) || found.Changes[0].Live != "1Gi" || found.Changes[0].Wanted != "2Gi" {
				t.Errorf("changes %+v, want one of %s", found.Changes, path)
			}
			if row.manager != "" && found.Changes[0].Manager != spec.Quote(row.manager) {
				t.Errorf("the field is held by %s, want %s", found.Changes[0].Manager, row.manager)
			}
			taken := b.by(t, b.kube, changed).Allow(true, false)
			if item := item(t, taken, "Deployment"); item.Action != plan.Update || !item.Force || item.Resource.Object == nil {
				t.Errorf("taken over: %+v", item)
			}
			if len(taken.Kept()) != 0 || len(taken.TakenOver()) == 0 {
				t.Errorf("kept %v, taken over %v", taken.Kept(), taken.TakenOver())
			}
		})
	}
}

// What is missing of an installation that a tool keeps is the tool's to make; what was never rendered by us binds nothing else.
func TestSiblingsOfManagedObjects(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	b.syncs(t, b.setup(), "--server-side", "--field-manager", "argocd-controller")
	b.kubectl(t, "delete", "configmap", "tbot-config")
	computed := b.compute(t, b.setup())
	missing := item(t, computed, "ConfigMap")
	if missing.Action != plan.Conflict || missing.Reason != plan.Managed || missing.Owner != "not there yet; the others are managed by Argo CD" {
		t.Errorf("%+v", missing)
	}
	if bot := item(t, computed, "bot"); bot.Action != plan.Create {
		t.Errorf("the bot, in Teleport, is nobody's: %+v", bot)
	}
	if taken := item(t, computed.Allow(true, false), "ConfigMap"); taken.Action != plan.Create || taken.Force {
		t.Errorf("taken over: %+v", taken)
	}

	b = newBench(t, "18.2.0")
	b.kubectl(t, "create", "configmap", "tbot-config")
	b.kubectl(t, "annotate", "configmap", "tbot-config", "argocd.argoproj.io/tracking-id=shop:x")
	computed = b.compute(t, b.setup())
	if theirs := item(t, computed, "ConfigMap"); theirs.Reason != plan.Managed || theirs.Owner != "not made by tbotctl; managed by Argo CD application shop" {
		t.Errorf("%+v", theirs)
	}
	if free := item(t, computed, "Deployment"); free.Action != plan.Create {
		t.Errorf("%+v", free)
	}
}

// A binding to another role that a tool keeps is the tool's to replace, and not even taken over can it be changed.
func TestManagedBindingToAnotherRole(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	b.kubectl(t, "create", "rolebinding", "tbot-output", "--role=other", "--serviceaccount="+b.namespace+":tbot")
	b.kubectl(t, "label", "rolebinding", "tbot-output", "kustomize.toolkit.fluxcd.io/name=apps")
	computed := b.by(t, b.kube, b.setup())
	if binding := item(t, computed, "RoleBinding"); binding.Reason != plan.Managed || !slices.Contains(paths(binding), "roleRef.name") {
		t.Errorf("%+v", binding)
	}
	if binding := item(t, computed.Allow(true, true), "RoleBinding"); binding.Action != plan.Conflict || binding.Reason != plan.OtherRole {
		t.Errorf("taken over: %+v", binding)
	}
}

// kept is a Teleport whose bot and token carry those labels beside ours; a token that takes a touch is not read.
type kept struct {
	set    manifests.Set
	labels map[string]string
	touch  bool
	roles  []string
}

func (k kept) with(labels map[string]string) map[string]string {
	all := maps.Clone(labels)
	maps.Copy(all, k.labels)
	return all
}

func (k kept) Role(context.Context, string) (*types.RoleV6, error) { return nil, nil }

func (k kept) Bot(context.Context, string) (*machineidv1.Bot, error) {
	for _, resource := range k.set {
		if resource.Bot != nil {
			resource.Bot.Metadata.Labels = k.with(resource.Bot.GetMetadata().GetLabels())
			resource.Bot.Spec.Roles = append(resource.Bot.Spec.Roles, k.roles...)
			return resource.Bot, nil
		}
	}
	return nil, nil
}

func (k kept) Token(context.Context, string) (*types.ProvisionTokenV2, error) {
	if k.touch {
		return nil, plan.ErrUnseen
	}
	for _, resource := range k.set {
		if resource.Token != nil {
			resource.Token.Metadata.Labels = k.with(resource.Token.Metadata.Labels)
			return resource.Token, nil
		}
	}
	return nil, nil
}

func TestManagedResources(t *testing.T) {
	t.Parallel()
	b := newBench(t, "18.2.0")
	for name, row := range map[string]struct {
		labels map[string]string
		want   string
		// dropped is what taking it over changes of what is otherwise the same.
		dropped string
	}{
		"the operator": {map[string]string{types.OriginLabel: types.OriginKubernetes, "team": "its own"}, "the Teleport operator", "metadata.labels." + types.OriginLabel},
		"Terraform":    {map[string]string{spec.MarkOwner: "terraform"}, "Terraform", "metadata.labels." + spec.MarkOwner},
	} {
		compute := func(live kept) plan.Plan {
			live.set, live.labels = render(t, b.setup()).Side(spec.SideTeleport), row.labels
			computed, err := plan.Compute(t.Context(), render(t, b.setup()).Side(spec.SideTeleport), b.setup().InstallID(), nil, live)
			if err != nil {
				t.Fatal(err)
			}
			return computed
		}
		same := compute(kept{})
		for _, item := range same.Items {
			if item.Action != plan.Same || item.Manager.String() != row.want {
				t.Errorf("%s: %+v", name, item)
			}
		}
		for _, item := range same.Allow(true, false).Items {
			if item.Action != plan.Update || !slices.Contains(paths(item), row.dropped) {
				t.Errorf("%s taken over: %+v", name, item)
			}
		}
		widened := compute(kept{roles: []string{"editor"}, touch: true})
		if bot := item(t, widened, "bot"); bot.Reason != plan.Managed || !slices.Equal(paths(bot), []string{"spec.roles[2]"}) {
			t.Errorf("%s: %+v", name, bot)
		}
		token := item(t, widened, "token")
		if token.Action != plan.Unseen || token.Manager.String() != row.want {
			t.Errorf("%s: %+v", name, token)
		}
		if left := item(t, widened.Allow(false, false), "token"); left.Action != plan.Same {
			t.Errorf("%s: a token that was not read is written over its manager: %+v", name, left)
		}
		if !strings.Contains(widened.Kept()[0].Owner, row.want) {
			t.Errorf("%s: kept %+v", name, widened.Kept())
		}
	}
}
