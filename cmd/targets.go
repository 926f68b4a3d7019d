package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/rights"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/undo"
	"github.com/tbotctl/tbotctl/manifests"
)

// openTargets opens the doors to the clusters of --target-context; nothing is sent.
func (s *session) openTargets() (map[string]*kube.Cluster, error) {
	if !s.setup.Side.HasKubernetes() {
		return map[string]*kube.Cluster{}, nil
	}
	opened := map[string]*kube.Cluster{}
	for _, name := range s.setup.Reach.Contexts {
		cluster, err := s.factory.Kube(s.kubeOptions(name))
		if err != nil {
			return nil, fmt.Errorf("--target-context: %w", err)
		}
		opened[name] = cluster
	}
	return opened, nil
}

// applyTargets and undoTargets are the clusters as those rooms see them.
func (c *clusters) applyTargets() map[string]apply.Kubernetes {
	return seenAs(c.targets, func(k *kube.Cluster) apply.Kubernetes { return k })
}

func (c *clusters) undoTargets() map[string]undo.Kubernetes {
	return seenAs(c.targets, func(k *kube.Cluster) undo.Kubernetes { return k })
}

func seenAs[T any](opened map[string]*kube.Cluster, as func(*kube.Cluster) T) map[string]T {
	seen := make(map[string]T, len(opened))
	for name, cluster := range opened {
		seen[name] = as(cluster)
	}
	return seen
}

// withTargets adds to a plan what happens in the clusters of --target-context.
func (s *session) withTargets(ctx context.Context, set manifests.Set, planned plan.Plan) (plan.Plan, error) {
	there, err := plan.Targets(ctx, set, s.setup.InstallID(), s.setup.Reach.Contexts, seenAs(s.clusters.targets, s.compared))
	return planned.With(there), err
}

// checkTargets looks at the clusters of --target-context, once the binding is known and before anything is written anywhere.
func (r *initRun) checkTargets(ctx context.Context) error {
	if len(r.setup.Reach.Contexts) == 0 || r.filesOnly() {
		return nil
	}
	r.progress.Head("Clusters that the binding is made in")
	r.progress.Looking("asking " + strings.Join(r.setup.Reach.Contexts, ", "))
	results, err := r.lookAtTargets(ctx, checks.Run, r.progress.Check)
	r.result.Checks = append(r.result.Checks, results...)
	if err != nil {
		return err
	}
	return failure(ctx, results, "nothing was applied")
}

// lookAtTargets runs the checks of the targets by one of the runner's two ways.
func (s *session) lookAtTargets(ctx context.Context, run func(context.Context, []checks.Check, *checks.Facts, func(checks.Result)) []checks.Result, tell func(checks.Result)) ([]checks.Result, error) {
	set, err := manifests.Render(s.setup)
	if err != nil {
		return nil, err
	}
	facts := &checks.Facts{Setup: s.setup}
	for _, name := range s.setup.Reach.Contexts {
		facts.Targets = append(facts.Targets, s.targetFacts(name, s.clusters.targets[name], set.Targets()))
	}
	return run(ctx, checks.Select(checks.Catalogue(), checks.Targets), facts, tell), nil
}

// targetFacts are what the checks look at in one cluster.
func (s *session) targetFacts(name string, cluster *kube.Cluster, bindings manifests.Set) checks.Target {
	reach := s.setup.Reach
	target := checks.Target{
		Context: name, Host: cluster.Host(), Version: cluster.ServerVersion, Needs: rights.Binding(s.setup, "get", "patch", "create"),
		May:      func(ctx context.Context, asked []checks.Access) []checks.Verdict { return mayIn(ctx, cluster, asked) },
		Rehearse: func(ctx context.Context) checks.Rehearsal { return rehearse(ctx, cluster, bindings, reach) },
	}
	if reach.Namespace != "" {
		target.NamespaceExists = exists(cluster, schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}, reach.Namespace)
	}
	if !slices.Contains(rights.UserRoles(), reach.BoundRole()) {
		target.RoleExists = exists(cluster, rbacv1.SchemeGroupVersion.WithKind("ClusterRole"), reach.BoundRole())
	}
	return target
}

func exists(cluster *kube.Cluster, kind schema.GroupVersionKind, name string) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		object := &unstructured.Unstructured{}
		object.SetGroupVersionKind(kind)
		object.SetName(name)
		live, err := cluster.Read(ctx, object)
		return live != nil, err
	}
}

// rehearse has the API server judge the bindings. What stands in the way of writing them without being a matter of rights, such as a
// field that another manager holds, is the plan's to show.
func rehearse(ctx context.Context, cluster *kube.Cluster, bindings manifests.Set, reach spec.Reach) checks.Rehearsal {
	for _, binding := range bindings {
		_, err := cluster.Apply(ctx, binding.Object, true)
		switch {
		case err == nil, kube.Is(err, kube.Conflict), kube.Is(err, kube.Invalid):
		case strings.Contains(err.Error(), "attempting to grant RBAC permissions not currently held"):
			bind := checks.Access{Verb: "bind", Group: rbacGroup, Resource: "clusterroles", Namespace: reach.Namespace, Name: reach.BoundRole()}
			// The server lists every rule that the role grants.
			short := errors.New("this login may not bind ClusterRole " + reach.BoundRole() + ": it does not hold all that the role grants")
			return checks.Rehearsal{Lacks: bind, Refused: true, Err: &kube.Error{Kind: kube.Forbidden, Doing: "rehearsing " + binding.ID(), Err: short}}
		default:
			return checks.Rehearsal{Refused: kube.Is(err, kube.Forbidden) || kube.Is(err, kube.Refused), Err: err}
		}
	}
	return checks.Rehearsal{}
}

// unbind removes a binding by hand.
func unbind(binding manifests.Resource) string {
	words := []string{"kubectl"}
	if binding.Context != "" {
		words = append(words, "--context", spec.ShellWord(binding.Context))
	}
	if binding.Namespace != "" {
		words = append(words, "--namespace", binding.Namespace)
	}
	return strings.Join(append(words, "delete", strings.ToLower(binding.Kind), spec.ShellWord(binding.Name)), " ")
}

// sayTargets says in which clusters the binding is made, by their API servers: a context's name says nothing of what Teleport calls its
// cluster.
func (s *session) sayTargets() {
	if len(s.setup.Reach.Contexts) == 0 {
		return
	}
	var places []string
	for _, name := range s.setup.Reach.Contexts {
		places = append(places, fmt.Sprintf("context %s (%s)", name, s.clusters.targets[name].Host()))
	}
	s.progress.Say("The binding is made in " + strings.Join(places, ", ") + ".")
	for _, name := range s.setup.Reach.Contexts {
		if s.clusters.targets[name].Host() == s.clusters.kube.Host() {
			s.progress.Say(fmt.Sprintf("Context %s leads to the cluster that tbot runs in. It needs the binding only where the bot reaches it through Teleport as well: to run there takes none.", name))
		}
	}
}

// targetsLeft tells how many of the matched clusters have no context given for them, as far as they can be counted.
func (s *session) targetsLeft() int {
	matched, bound := 0, len(s.setup.Reach.Contexts)
	if s.setup.Resolved != nil {
		matched = len(s.setup.Resolved.KubeClusters)
	}
	if bound == 0 {
		return max(matched, 1)
	}
	return max(matched-bound, 0)
}
