package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// The checks of the clusters that --target-context names, all of them ahead of the first write anywhere.
const (
	TargetsAnswer ID = "TBC111"
	TargetsReady  ID = "TBC112"
	TargetsRights ID = "TBC611"
)

// Targets looks at the clusters in which tbotctl binds what the bot acts as, once the binding is known.
const Targets Stage = Upgrade + 1

// Target is one of those clusters.
type Target struct {
	// Context is the kubeconfig context that leads to it, Host its API server.
	Context, Host string
	// Version is the API server's release.
	Version func(context.Context) (string, error)
	// NamespaceExists looks for the namespace of the binding; nil for a binding in all of them.
	NamespaceExists func(context.Context) (bool, error)
	// RoleExists looks for the ClusterRole; nil for one that every API server makes by itself.
	RoleExists func(context.Context) (bool, error)
	// Needs are the requests that writing the binding takes.
	Needs []Access
	May   func(context.Context, []Access) []Verdict
	// Rehearse has the API server judge the binding without keeping it.
	Rehearse func(context.Context) Rehearsal
}

// Rehearsal is what an API server says of a binding that it was asked to judge; Err is nil where it would take it.
type Rehearsal struct {
	// Lacks is the right that the login would need beside those to write bindings; zero where it is not that.
	Lacks Access
	// Refused tells that the server's answer was no.
	Refused bool
	Err     error
}

func (t Target) name() string { return spec.Quote(t.Context) + " (" + t.Host + ")" }

func targetChecks() []Check {
	return []Check{
		{
			ID: TargetsAnswer, Category: CategoryKubernetes, Stage: Targets, Title: "the clusters of --target-context answer and take the login",
			Run: func(ctx context.Context, f *Facts) Finding {
				return eachTarget(ctx, f.Targets, func(ctx context.Context, t Target) Finding {
					version, err := t.Version(ctx)
					if err != nil {
						return failed(err, "kubectl --context "+spec.ShellWord(t.Context)+" get --raw /version")
					}
					return passed(version)
				})
			},
		},
		{
			ID: TargetsReady, Category: CategoryKubernetes, Stage: Targets, Needs: []ID{TargetsAnswer}, Title: "what the binding refers to is there",
			Run: func(ctx context.Context, f *Facts) Finding {
				return eachTarget(ctx, f.Targets, func(ctx context.Context, t Target) Finding { return lookAtTarget(ctx, f.Setup.Reach, t) })
			},
		},
	}
}

func targetRightsChecks() []Check {
	return []Check{{
		ID: TargetsRights, Category: CategoryPermissions, Stage: Targets, Needs: []ID{TargetsReady}, Title: "the logins may make the binding in the clusters of --target-context",
		Run: func(ctx context.Context, f *Facts) Finding {
			return eachTarget(ctx, f.Targets, lookAtTargetRights)
		},
	}}
}

// targetsAtOnce bounds how many clusters are looked at side by side: credential plugins start processes.
const targetsAtOnce = 8

// eachTarget makes one finding of those of all clusters: of several statuses the worst counts, and each trouble stands with its context.
func eachTarget(ctx context.Context, targets []Target, look func(context.Context, Target) Finding) Finding {
	if len(targets) == 0 {
		return Finding{Status: Skip, Observed: "no --target-context: the binding is left to whoever owns the clusters"}
	}
	findings := make([]Finding, len(targets))
	slots := make(chan struct{}, targetsAtOnce)
	var running sync.WaitGroup
	for i, target := range targets {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			findings[i] = look(ctx, target)
		})
	}
	running.Wait()
	return worstOf(targets, findings)
}

func worstOf(targets []Target, findings []Finding) Finding {
	var all Finding
	var good, wrong, fixes []string
	for i, finding := range findings {
		text := "context " + targets[i].name() + ": " + finding.Observed
		all.Err = errors.Join(all.Err, finding.Err)
		if finding.Status == Pass {
			good = append(good, text)
			continue
		}
		wrong = append(wrong, text)
		if finding.Fix != "" {
			fixes = append(fixes, finding.Fix)
		}
		if all.Status != Fail {
			all.Status = finding.Status
		}
	}
	if len(wrong) == 0 {
		return passed(strings.Join(good, "; "))
	}
	all.Observed, all.Fix = strings.Join(wrong, "; "), strings.Join(fixes, "; ")
	return all
}

// lookAtTarget wants namespace and ClusterRole: neither is made unasked.
func lookAtTarget(ctx context.Context, reach spec.Reach, t Target) Finding {
	found := "ClusterRole " + reach.BoundRole()
	if t.NamespaceExists != nil {
		exists, err := t.NamespaceExists(ctx)
		if err != nil {
			return unknown(err)
		}
		if !exists {
			return Finding{
				Status: Fail, Observed: "there is no namespace " + reach.Namespace,
				Fix: fmt.Sprintf("kubectl --context %s create namespace %s", spec.ShellWord(t.Context), reach.Namespace),
			}
		}
		found = "namespace " + reach.Namespace + ", " + found
	}
	if t.RoleExists == nil {
		return passed(found)
	}
	exists, err := t.RoleExists(ctx)
	if err != nil {
		return unknown(err)
	}
	if !exists {
		return Finding{
			Status: Fail, Observed: "there is no ClusterRole " + reach.BoundRole(),
			Fix: fmt.Sprintf("make it there, or give --cluster-role one that `kubectl --context %s get clusterroles` lists", spec.ShellWord(t.Context)),
		}
	}
	return passed(found)
}

// lookAtTargetRights asks for the requests first and rehearses then: whether a login holds all that a role grants, or may bind it,
// the API server alone can tell (Kubernetes: Using RBAC Authorization, "Privilege escalation prevention and bootstrapping").
func lookAtTargetRights(ctx context.Context, t Target) Finding {
	r := askKubernetes(ctx, []Need{{All: t.Needs}}, t.May)
	switch {
	case len(r.missing) > 0:
		return Finding{Status: Fail, Observed: "this login may not: " + grantsOf(r.missing).text(), Fix: TargetGrant(grantName, t.Context, r.missing)}
	case len(r.unknown) > 0:
		return Finding{Status: Unknown, Observed: "whether this login may is not known: " + grantsOf(r.unknown).text() + " (" + r.err.Error() + ")", Err: r.err}
	}
	rehearsed := t.Rehearse(ctx)
	switch {
	case rehearsed.Err == nil:
		return passed(grantsOf(t.Needs).text() + ", and a dry run is taken")
	case rehearsed.Lacks != Access{}:
		return Finding{
			Status: Fail, Observed: rehearsed.Err.Error(), Err: rehearsed.Err,
			Fix: TargetGrant(grantName, t.Context, []Access{rehearsed.Lacks}),
		}
	case rehearsed.Refused:
		return Finding{Status: Fail, Observed: rehearsed.Err.Error(), Err: rehearsed.Err, Fix: "ask whoever owns the policy that is named"}
	}
	return unknown(rehearsed.Err)
}

// TargetGrant is what a cluster administrator runs to grant what is missing in the cluster of a context: a Role of that name in each
// namespace, and a ClusterRole for what is in none.
func TargetGrant(role, context string, missing []Access) string {
	var namespaces, grants []string
	for _, access := range missing {
		if !slices.Contains(namespaces, access.Namespace) {
			namespaces = append(namespaces, access.Namespace)
		}
	}
	for _, namespace := range namespaces {
		held := slices.DeleteFunc(slices.Clone(missing), func(a Access) bool { return a.Namespace != namespace })
		grants = append(grants, kubernetesGrant(role, namespace, namespace == "", held))
	}
	return "in the cluster of context " + spec.Quote(context) + " " + strings.Join(grants, "; ")
}
