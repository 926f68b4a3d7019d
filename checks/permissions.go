package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The checks of what this login may do, on either side, ahead of the first write.
const (
	KubernetesRights ID = "TBC601"
	TeleportRights   ID = "TBC602"
)

// Access is one kind of request to the API server, as its authorizer sees it; a field that a request lacks is empty. Path is of
// a request to no resource, and then stands alone with Verb.
type Access struct {
	Verb, Group, Resource, Subresource, Namespace, Name, Path string
}

// Need is what one step of a run asks of the API server: All, or in the place of them Instead, where there is such a way. Why is
// for people who lack it, where it is not plain.
type Need struct {
	All, Instead []Access
	Why          string
}

// KubernetesNeeds are what a run asks of the API server.
type KubernetesNeeds struct {
	Needs []Need
	// NewNamespace tells that the run makes the namespace: no Role can stand in it yet.
	NewNamespace bool
}

// TeleportAccess is one verb on one kind of resource in Teleport.
type TeleportAccess struct {
	Kind, Verb string
	// Informs marks what only helps to look: to lack it is said, and stops nothing.
	Informs bool
}

// Verdict is what a cluster says of one access.
type Verdict struct {
	Allowed bool
	// Reason is the cluster's own word, where it gives one.
	Reason string
	// Err is why the verdict is not known; Allowed then means nothing.
	Err error
}

func permissionChecks() []Check {
	return []Check{
		{
			ID: KubernetesRights, Category: CategoryPermissions, Stage: Before, Needs: []ID{KubernetesAnswers}, ProvedBy: JoinProven,
			Title: "the Kubernetes login may do what this run does",
			Run: func(ctx context.Context, f *Facts) Finding {
				if f.KubernetesNeeds == nil {
					return Finding{Status: Skip, Observed: "this run makes nothing in Kubernetes"}
				}
				needs := f.KubernetesNeeds(ctx)
				return judgeKubernetesRights(f.Setup.Kubernetes.Namespace, needs.NewNamespace, askKubernetes(ctx, needs.Needs, f.KubernetesMay))
			},
		},
		{
			ID: TeleportRights, Category: CategoryPermissions, Stage: Before, Needs: []ID{TeleportLogin}, ProvedBy: JoinProven,
			Title: "the Teleport login may do what this run does",
			Run: func(ctx context.Context, f *Facts) Finding {
				if len(f.TeleportNeeds) == 0 {
					return Finding{Status: Skip, Observed: "this run makes nothing in Teleport"}
				}
				verdicts, err := f.TeleportMay(ctx, f.TeleportNeeds)
				if err != nil {
					return unknown(err)
				}
				login, err := f.Login(ctx)
				if err != nil {
					return unknown(err)
				}
				return judgeTeleportRights(login.User, f.TeleportNeeds, verdicts)
			},
		},
	}
}

// rights are the accesses that a run needs, sorted by what is known of them.
type rights struct {
	held    int
	missing []Access
	unknown []Access
	reasons []string
	err     error
}

// askKubernetes asks for everything at once, and for the other ways only where they matter.
func askKubernetes(ctx context.Context, needs []Need, may func(context.Context, []Access) []Verdict) rights {
	var first, second []Access
	for _, need := range needs {
		first = append(first, need.All...)
	}
	answers := may(ctx, first)
	said := make(map[Access]Verdict, len(first))
	for i, access := range first {
		said[access] = answers[i]
	}
	held := func(access Access) bool { return said[access].Err == nil && said[access].Allowed }
	for _, need := range needs {
		if !all(need.All, held) {
			second = append(second, need.Instead...)
		}
	}
	if len(second) > 0 {
		for i, verdict := range may(ctx, second) {
			said[second[i]] = verdict
		}
	}
	var r rights
	for _, need := range needs {
		instead, before := len(need.Instead) > 0 && all(need.Instead, held), len(r.missing)
		for _, access := range need.All {
			r.sort(access, said[access], instead)
		}
		if len(r.missing) > before {
			r.because(need.Why)
		}
	}
	return r
}

func all(accesses []Access, held func(Access) bool) bool {
	return !slices.ContainsFunc(accesses, func(a Access) bool { return !held(a) })
}

func (r *rights) sort(access Access, verdict Verdict, instead bool) {
	switch {
	case instead, verdict.Err == nil && verdict.Allowed:
		r.held++
	case verdict.Err != nil:
		r.unknown = append(r.unknown, access)
		r.err = errors.Join(r.err, verdict.Err)
		r.because(verdict.Err.Error())
	default:
		r.missing = append(r.missing, access)
		r.because(verdict.Reason)
	}
}

// because keeps a reason once: a server that cannot decide says so of every request.
func (r *rights) because(reason string) {
	if reason != "" && !slices.Contains(r.reasons, reason) {
		r.reasons = append(r.reasons, reason)
	}
}

func judgeKubernetesRights(namespace string, newNamespace bool, r rights) Finding {
	seen := "namespace " + namespace
	because := ""
	if len(r.reasons) > 0 {
		const most = 3
		because = " (" + strings.Join(r.reasons[:min(len(r.reasons), most)], "; ") + ")"
	}
	notKnown := "whether this login may, in " + seen + ": " + grantsOf(r.unknown).text()
	switch {
	case len(r.missing) > 0:
		finding := Finding{Status: Fail, Observed: "this login may not, in " + seen + ": " + grantsOf(r.missing).text(), Fix: kubernetesGrant(grantName, namespace, newNamespace, r.missing)}
		if len(r.unknown) > 0 {
			finding.Observed += "; not known is " + notKnown
		}
		finding.Observed += because
		return finding
	case len(r.unknown) > 0:
		return Finding{Status: Unknown, Observed: "not known is " + notKnown + because, Err: r.err}
	}
	return passed(fmt.Sprintf("all %d kinds of requests, in %s", r.held, seen))
}

func judgeTeleportRights(user string, needs []TeleportAccess, verdicts []Verdict) Finding {
	return JudgeTeleportRights(user, grantName, needs, verdicts)
}

// JudgeTeleportRights never calls a right held that hangs on a rule's condition: only the Auth Service can judge it. role is the
// name of the role that the fix makes; an empty user is whoever is logged in.
func JudgeTeleportRights(user, role string, needs []TeleportAccess, verdicts []Verdict) Finding {
	if user == "" {
		user = "this login"
	}
	var held, missing, grantable, informs []TeleportAccess
	var denials, unknowns []string
	var cause error
	for i, need := range needs {
		name := need.Verb + " " + need.Kind
		switch verdict := verdicts[i]; {
		case verdict.Err == nil && verdict.Allowed:
			held = append(held, need)
		case need.Informs:
			informs = append(informs, need)
		case verdict.Err != nil:
			unknowns = append(unknowns, name+": "+verdict.Err.Error())
			cause = errors.Join(cause, verdict.Err)
		case verdict.Reason != "":
			missing = append(missing, need)
			denials = append(denials, name+": "+verdict.Reason)
		default:
			missing = append(missing, need)
			grantable = append(grantable, need)
		}
	}
	notKnown := "not known without the Auth Service is whether " + user + " may " + strings.Join(unknowns, "; ")
	aside := ""
	if len(informs) > 0 {
		aside = "; " + teleportText(informs) + " would show more"
	}
	switch {
	case len(missing) > 0:
		finding := Finding{Status: Fail, Observed: user + " may not: " + teleportText(missing), Fix: teleportGrant(user, role, grantable, denials)}
		if len(unknowns) > 0 {
			finding.Observed += "; " + notKnown
		}
		return finding
	case len(unknowns) > 0:
		return Finding{Status: Unknown, Observed: notKnown + aside, Err: cause}
	}
	return passed(user + " may: " + teleportText(held) + aside)
}
