package checks

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// The checks of what the service account may do.
const (
	MayWriteOutputs ID = "TBC603"
	MayDoNoMore     ID = "TBC604"
)

func livePermissionChecks() []Check {
	return []Check{
		{
			ID: MayWriteOutputs, Category: CategoryPermissions, Stage: Diagnosis, Needs: []ID{ConfigReads}, Problems: []string{"P20"}, Title: "the service account may write the outputs", Run: configured(runMayWrite),
		},
		{
			ID: MayDoNoMore, Category: CategoryPermissions, Stage: Diagnosis, Needs: []ID{ConfigReads}, Problems: []string{"P21"}, Title: "the service account may touch no other Secret", Run: configured(runMayDoNoMore),
		},
	}
}

// writes are the requests by which tbot writes what tbot.yaml names: server-side apply of its own Secrets (teleport-facts 6.6), and
// get, create, update of Argo CD's (6.5), whose names follow from those of the clusters where these are given.
func (w Workload) writes(clusterName string) []Access {
	var all []Access
	on := func(namespace, name string, verbs ...string) {
		for _, verb := range verbs {
			access := Access{Verb: verb, Resource: "secrets", Namespace: namespace, Name: name}
			if !slices.Contains(all, access) {
				all = append(all, access)
			}
		}
	}
	for _, secret := range w.secrets() {
		on(secret.namespace, secret.name, "get", "patch", "create")
	}
	for _, output := range w.argoOutputs() {
		namespace := w.argoNamespace(output)
		on(namespace, "", "create") // a POST names nothing to the authorizer
		names := argoNames(output, clusterName)
		for _, name := range names {
			on(namespace, name, "get", "update")
		}
		if len(names) == 0 {
			on(namespace, "", "get", "update")
		}
	}
	return all
}

// argoNames are the Secrets that an output writes, where its selectors name clusters; else there is none.
func argoNames(output *tbotconfig.ArgoCD, clusterName string) []string {
	var names []string
	for _, selector := range output.Selectors {
		if selector.Name == "" || clusterName == "" {
			return nil
		}
		names = append(names, output.SecretName(clusterName, selector.Name))
	}
	return names
}

func runMayWrite(ctx context.Context, f *Facts, l *Live) Finding {
	wanted := l.Workload.writes(f.clusterName(ctx))
	if len(wanted) == 0 {
		return passed("tbot writes no Secret")
	}
	account, lacking := l.tokenGiver(ctx)
	if lacking == nil && !l.Workload.mountsDefaultToken(account) {
		return Finding{
			Status: Fail, Observed: "the pod gets no token for the API server: automountServiceAccountToken is false", Expected: "a token with which tbot may " + grantsOf(wanted).text(),
			Fix: l.Workload.patch(change{"add", "/spec/template/spec/automountServiceAccountToken", true}),
		}
	}
	var verdicts []Verdict
	if l.May != nil {
		verdicts = l.May(ctx, wanted)
	}
	var grants []Grant
	grantsErr := errNotAsked
	if l.Grants != nil {
		grants, grantsErr = l.Grants(ctx)
	}
	finding := judgeMayWrite(l.Workload, wanted, byGrants(wanted, verdicts, grants, grantsErr))
	switch {
	case finding.Status == Pass && lacking != nil:
		return *lacking
	case finding.Status == Unknown && l.Logs != nil:
		return l.deniedBefore(ctx, wanted, finding)
	}
	return finding
}

// tokenGiver is the service account where it decides whether the pod gets a token for the API server; nil where the pod itself does.
func (l *Live) tokenGiver(ctx context.Context) (*corev1.ServiceAccount, *Finding) {
	if l.Workload.pod().AutomountServiceAccountToken != nil || l.ServiceAccount == nil {
		return nil, nil
	}
	return fetched(ctx, l.ServiceAccount, "")
}

// deniedBefore goes by what tbot met with: who may ask for no rights and see no Roles may still read its log.
func (l *Live) deniedBefore(ctx context.Context, wanted []Access, otherwise Finding) Finding {
	logs, err := l.Logs(ctx)
	if err != nil {
		return otherwise
	}
	if last, found := listen(logs); found && !last.fine {
		if denied := judgeDenied(l.Workload, wanted, last.text); denied.Status == Fail {
			return denied
		}
	}
	return otherwise
}

// deniedSecret is the authorizer's no, as tbot passes it on (field-notes P20).
var deniedSecret = regexp.MustCompile(`secrets "([^"\\]+)\\?" is forbidden: User \\?"system:serviceaccount:[^"]+" cannot ([a-z]+) resource`)

// judgeDenied finds in tbot's own words that the API server refused what it has to do.
func judgeDenied(w Workload, wanted []Access, text string) Finding {
	met := deniedSecret.FindStringSubmatch(text)
	if met == nil {
		return Finding{}
	}
	for _, access := range wanted {
		if access.Name == met[1] {
			return Finding{
				Status: Fail, Observed: "tbot met with: " + oneLine(met[0]), Expected: grantsOf(wanted).text(),
				Fix: w.grantSecrets(wanted, []Access{access}),
			}
		}
	}
	return Finding{}
}

var errNotAsked = errors.New("this run cannot look at it")

// clusterName is Teleport's, empty where it cannot be had.
func (f *Facts) clusterName(ctx context.Context) string {
	if f.Proxy == nil {
		return ""
	}
	proxy, err := f.Proxy(ctx)
	if err != nil {
		return ""
	}
	return proxy.ClusterName
}

// byGrants completes the API server's verdicts by the Roles where it gave none. Of Argo CD's Secrets whose names are not known, any
// name will do.
func byGrants(wanted []Access, verdicts []Verdict, grants []Grant, grantsErr error) []Verdict {
	all := make([]Verdict, len(wanted))
	for i, access := range wanted {
		all[i] = Verdict{Err: errNotAsked}
		if i < len(verdicts) {
			all[i] = verdicts[i]
		}
		unnamed := access.Name == "" && access.Verb != "create"
		if all[i].Err == nil && (all[i].Allowed || !unnamed) {
			continue
		}
		switch {
		case grantsErr == nil:
			all[i] = Verdict{Allowed: slices.ContainsFunc(grants, func(g Grant) bool { return g.allows(access, unnamed) })}
		case all[i].Err == nil:
			all[i].Err = fmt.Errorf("a Role may name the Secrets: %w", grantsErr)
		default:
			all[i].Err = errors.Join(all[i].Err, grantsErr)
		}
	}
	return all
}

// allows follows the RBAC authorizer's rules; with anyName a rule for a name is enough.
func (g Grant) allows(a Access, anyName bool) bool {
	if g.Namespace != "" && g.Namespace != a.Namespace {
		return false
	}
	has := func(list []string, value string) bool {
		return slices.Contains(list, value) || slices.Contains(list, "*")
	}
	return slices.ContainsFunc(g.Rules, func(r rbacv1.PolicyRule) bool {
		named := len(r.ResourceNames) == 0 || anyName || a.Name != "" && slices.Contains(r.ResourceNames, a.Name)
		return named && has(r.Verbs, a.Verb) && has(r.APIGroups, a.Group) && has(r.Resources, a.Resource)
	})
}

func judgeMayWrite(w Workload, wanted []Access, verdicts []Verdict) Finding {
	account := "service account " + w.Deployment.Namespace + "/" + w.serviceAccount()
	var missing []Access
	var unknowns error
	for i, access := range wanted {
		switch {
		case verdicts[i].Err != nil:
			// One look answers for all of them: the next would say the same once more.
			unknowns = verdicts[i].Err
		case !verdicts[i].Allowed:
			missing = append(missing, access)
		}
	}
	switch {
	case len(missing) > 0:
		return Finding{
			Status: Fail, Observed: account + " may not " + grantsOf(missing).text() + in(missing), Expected: grantsOf(wanted).text(),
			Fix: w.grantSecrets(wanted, missing),
		}
	case unknowns != nil:
		return Finding{Status: Unknown, Observed: "whether " + account + " may " + grantsOf(wanted).text() + ": " + oneLine(unknowns.Error()), Err: unknowns}
	}
	return passed(account + " may " + grantsOf(wanted).text())
}

// in names the namespaces of requests, for they stand beside the names.
func in(accesses []Access) string {
	return " in " + strings.Join(namespacesOf(accesses), ", ")
}

func namespacesOf(accesses []Access) []string {
	var all []string
	for _, a := range accesses {
		if !slices.Contains(all, a.Namespace) {
			all = append(all, a.Namespace)
		}
	}
	return all
}

// grantSecrets makes, in each namespace where something is missing, a Role of just what tbot does there. Its name is nobody else's, so
// that it takes away nothing.
func (w Workload) grantSecrets(wanted, missing []Access) string {
	var commands []string
	name := "tbotctl-" + w.Deployment.Name
	for _, namespace := range namespacesOf(missing) {
		role := map[string]any{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": map[string]string{"name": name, "namespace": namespace}, "rules": leastRules(wanted, namespace),
		}
		commands = append(commands, "echo "+spec.ShellWord(compact(role))+" | kubectl apply --server-side --filename -",
			kubectlIn(namespace, "create", "rolebinding", name, "--role", name, "--serviceaccount", w.Deployment.Namespace+":"+w.serviceAccount()))
	}
	return strings.Join(commands, " && ")
}

// leastRules are those of a Role in a namespace.
func leastRules(wanted []Access, namespace string) []rbacv1.PolicyRule {
	var rules []rbacv1.PolicyRule
	inside := slices.DeleteFunc(slices.Clone(wanted), func(a Access) bool { return a.Namespace != namespace })
	for _, g := range grantsOf(inside) {
		rule := rbacv1.PolicyRule{APIGroups: []string{g.group}, Resources: []string{g.resource}, Verbs: g.verbs}
		if g.name != "" {
			rule.ResourceNames = []string{g.name}
		}
		rules = append(rules, rule)
	}
	return rules
}

func runMayDoNoMore(ctx context.Context, f *Facts, l *Live) Finding {
	w, wanted := l.Workload, l.Workload.writes(f.clusterName(ctx))
	grants, lacking := fetched(ctx, l.Grants, "this run cannot look at Roles")
	if lacking == nil {
		return judgeNoMore(w, wanted, grants)
	}
	if l.May != nil {
		all := Access{Verb: "list", Resource: "secrets", Namespace: w.Deployment.Namespace}
		if verdict := l.May(ctx, []Access{all})[0]; verdict.Err == nil {
			if verdict.Allowed {
				return Finding{
					Status: Warn, Observed: "it may list all Secrets of namespace " + w.Deployment.Namespace + ", by a Role that this login cannot see", Expected: grantsOf(wanted).text(),
					Fix: w.kubectl("get", "roles,rolebindings"),
				}
			}
			lacking.Observed = "it may not list the Secrets of namespace " + w.Deployment.Namespace + "; whether a Role names others: " + lacking.Observed
		}
	}
	return *lacking
}

// judgeNoMore is P21: a tbot that may read every Secret of a namespace hands them all to whoever takes it over.
func judgeNoMore(w Workload, wanted []Access, grants []Grant) Finding {
	for _, g := range grants {
		for _, rule := range g.Rules {
			more := beyond(rule, g, wanted)
			if more == "" {
				continue
			}
			where := "namespace " + g.Namespace
			if g.Namespace == "" {
				where = "the whole cluster"
			}
			return Finding{
				Status: Warn, Observed: fmt.Sprintf("%s, by %s, lets the service account %s in %s", g.Role, g.Binding, more, where),
				Expected: "no more than " + grantsOf(wanted).text(), Fix: w.narrow(g, wanted),
			}
		}
	}
	return passed("no Role gives it another Secret")
}

// beyond is what a rule allows on Secrets that tbot does not do.
func beyond(rule rbacv1.PolicyRule, g Grant, wanted []Access) string {
	if !slices.Contains(rule.Resources, "secrets") && !slices.Contains(rule.Resources, "*") || !slices.Contains(rule.APIGroups, "") && !slices.Contains(rule.APIGroups, "*") {
		return ""
	}
	needs := func(verb, name string) bool {
		return slices.ContainsFunc(wanted, func(a Access) bool {
			return a.Verb == verb && a.Name == name && (a.Namespace == g.Namespace)
		})
	}
	if len(rule.ResourceNames) == 0 {
		wide := slices.DeleteFunc(slices.Clone(rule.Verbs), func(verb string) bool { return verb == "create" && needs(verb, "") })
		if len(wide) == 0 {
			return ""
		}
		verbs := strings.Join(wide, ", ")
		if slices.Contains(wide, "*") {
			verbs = "do anything with"
		}
		return verbs + " every Secret"
	}
	for _, name := range rule.ResourceNames {
		if !slices.ContainsFunc(wanted, func(a Access) bool { return a.Namespace == g.Namespace && (a.Name == name || a.Name == "") }) {
			return strings.Join(rule.Verbs, ", ") + " Secret " + name
		}
	}
	return ""
}

// narrow writes the least into a Role that is about Secrets alone; what else a Role does, and who else is bound, only people know.
func (w Workload) narrow(g Grant, wanted []Access) string {
	name, isRole := strings.CutPrefix(g.Role, "Role ")
	least := leastRules(wanted, g.Namespace)
	onlySecrets := !slices.ContainsFunc(g.Rules, func(r rbacv1.PolicyRule) bool { return !slices.Equal(r.Resources, []string{"secrets"}) })
	if isRole && onlySecrets && len(least) > 0 {
		return kubectlIn(g.Namespace, "patch", "role", name, "--type", "json", "--patch", compact([]change{{"replace", "/rules", least}}))
	}
	kind, binding, _ := strings.Cut(g.Binding, " ")
	if g.Namespace == "" {
		return "kubectl edit " + strings.ToLower(kind) + " " + spec.ShellWord(binding)
	}
	return kubectlIn(g.Namespace, "edit", strings.ToLower(kind), binding)
}
