package checks

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

func rule(verbs, names []string, resources ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: verbs, APIGroups: []string{""}, Resources: resources, ResourceNames: names}
}

func roleIn(namespace string, rules ...rbacv1.PolicyRule) Grant {
	return Grant{Binding: "RoleBinding tbot", Role: "Role tbot", Namespace: namespace, Rules: rules}
}

func argoWorkload(t *testing.T, output *tbotconfig.ArgoCD) Workload {
	t.Helper()
	output.Type = tbotconfig.TypeArgoCD
	return guided(t, func(w *Workload) { w.Config.Outputs = []tbotconfig.Output{output} })
}

func TestMayWrite(t *testing.T) {
	t.Parallel()
	w := guided(t, nil)
	three, own := []string{"get", "patch", "create"}, []string{"identity-output"}
	// by judges with the API server's verdicts, nil where it gives none, and with Roles, nil where they cannot be seen.
	by := func(w Workload, may *bool, grants []Grant) Finding {
		l := &Live{Workload: w}
		if may != nil {
			l.May = func(_ context.Context, asked []Access) []Verdict {
				return slices.Repeat([]Verdict{{Allowed: *may}}, len(asked))
			}
		}
		if grants != nil {
			l.Grants = kept(grants)
		}
		return runMayWrite(t.Context(), &Facts{Live: l, Proxy: kept(Proxy{ClusterName: teleportName})}, l)
	}
	yes, no := true, false
	withoutToken := func(change func(*Live)) Finding {
		l := &Live{Workload: guided(t, nil), Grants: kept([]Grant{roleIn("default", rule(three, own, "secrets"))})}
		change(l)
		return runMayWrite(t.Context(), &Facts{Live: l}, l)
	}
	named := argoWorkload(t, &tbotconfig.ArgoCD{Selectors: []tbotconfig.Selector{{Name: "production"}}})
	labelled := argoWorkload(t, &tbotconfig.ArgoCD{SecretNamespace: "argocd", Selectors: []tbotconfig.Selector{{Labels: map[string]string{"env": "prod"}}}})
	const secret = "teleport.argocd-cluster.2f76f4744295b0ec"
	judgedOn(t, map[string]verdict{
		"the API server says so":  {by(w, &yes, nil), Pass, "service account default/tbot may get, patch, create secrets identity-output", "", "-"},
		"the API server says no":  {by(w, &no, nil), Fail, "service account default/tbot may not get, patch, create secrets identity-output in default", "get, patch, create", `"resourceNames":["identity-output"]`},
		"by the least Role":       {by(w, nil, []Grant{roleIn("default", rule(three, own, "secrets"))}), Pass, "may get", "", "-"},
		"by all":                  {by(w, nil, []Grant{roleIn("", rbacv1.PolicyRule{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}})}), Pass, "may get", "", "-"},
		"no Role":                 {by(w, nil, []Grant{}), Fail, "may not get, patch, create", "", "create rolebinding tbotctl-tbot --role tbotctl-tbot --serviceaccount default:tbot"},
		"in another namespace":    {by(w, nil, []Grant{roleIn("ci", rule(three, nil, "secrets"))}), Fail, "may not get, patch, create", "", "--namespace default"},
		"for another Secret":      {by(w, nil, []Grant{roleIn("default", rule(three, []string{"another"}, "secrets"))}), Fail, "may not get", "", "identity-output"},
		"without patch":           {by(w, nil, []Grant{roleIn("default", rule([]string{"get", "create", "update"}, nil, "secrets"))}), Fail, "may not patch secrets identity-output", "", `"verbs":["get","patch","create"]`},
		"for ConfigMaps":          {by(w, nil, []Grant{roleIn("default", rule([]string{"*"}, nil, "configmaps"))}), Fail, "may not get", "", "secrets"},
		"of another group":        {by(w, nil, []Grant{roleIn("default", rbacv1.PolicyRule{Verbs: three, APIGroups: []string{"apps"}, Resources: []string{"secrets"}})}), Fail, "may not get", "", "secrets"},
		"no token to write with":  {withoutToken(func(l *Live) { l.Workload.pod().AutomountServiceAccountToken = &no }), Fail, "gets no token for the API server", "get, patch, create", `"path":"/spec/template/spec/automountServiceAccountToken","value":true`},
		"the account gives none":  {withoutToken(func(l *Live) { l.ServiceAccount = kept(&corev1.ServiceAccount{AutomountServiceAccountToken: &no}) }), Fail, "gets no token", "", "automountServiceAccountToken"},
		"the account is not seen": {withoutToken(func(l *Live) { l.ServiceAccount = failing[*corev1.ServiceAccount] }), Unknown, "forbidden", "", "-"},
		"nor the Roles": {withoutToken(func(l *Live) {
			l.ServiceAccount, l.Grants = failing[*corev1.ServiceAccount], kept([]Grant(nil))
		}), Fail, "may not get", "", "rolebinding"},
		"the pod overrules it": {withoutToken(func(l *Live) {
			l.ServiceAccount = kept(&corev1.ServiceAccount{AutomountServiceAccountToken: &no})
			l.Workload.pod().AutomountServiceAccountToken = &yes
		}), Pass, "may get", "", "-"},
		"a volume in its place": {withoutToken(func(l *Live) {
			l.Workload.pod().AutomountServiceAccountToken = &no
			l.Workload.container().VolumeMounts = append(l.Workload.container().VolumeMounts, corev1.VolumeMount{Name: "api", MountPath: "/run/secrets/kubernetes.io/serviceaccount"})
		}), Pass, "may get", "", "-"},
		"nobody can tell":       {by(w, nil, nil), Unknown, "cannot look", "", "-"},
		"nothing is written":    {by(guided(t, func(w *Workload) { w.Config.Outputs = nil }), nil, nil), Pass, "writes no Secret", "", "-"},
		"Argo CD, by name":      {by(named, nil, []Grant{roleIn("default", rule([]string{"create"}, nil, "secrets"), rule([]string{"get", "update"}, []string{secret}, "secrets"))}), Pass, secret, "", "-"},
		"Argo CD, POST unnamed": {by(named, nil, []Grant{roleIn("default", rule([]string{"create", "get", "update"}, []string{secret}, "secrets"))}), Fail, "may not create secrets", "", `{"verbs":["create"],"apiGroups":[""],"resources":["secrets"]}`},
		"Argo CD, by labels":    {by(labelled, nil, []Grant{roleIn("argocd", rule([]string{"create"}, nil, "secrets"), rule([]string{"get", "update"}, []string{secret}, "secrets"))}), Pass, "create, get, update secrets", "", "-"},
		"Argo CD, elsewhere":    {by(labelled, nil, []Grant{roleIn("default", rule([]string{"*"}, nil, "secrets"))}), Fail, "in argocd", "", `"namespace":"argocd"`},
		"Argo CD, Roles unseen": {by(labelled, &no, nil), Fail, "may not create secrets", "", "argocd"},
	})
	if fix := by(w, &no, nil).Fix; strings.Contains(fix, `"*"`) {
		t.Errorf("the fix grants more than is needed: %s", fix)
	}
}

func TestMayDoNoMore(t *testing.T) {
	t.Parallel()
	w := guided(t, nil)
	wanted := w.writes(teleportName)
	least := rule([]string{"get", "patch", "create"}, []string{"identity-output"}, "secrets")
	all := rule([]string{"*"}, nil, "secrets")
	wide := rbacv1.PolicyRule{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}
	admin := Grant{Binding: "ClusterRoleBinding admins", Role: "ClusterRole cluster-admin", Rules: []rbacv1.PolicyRule{wide}}
	with := func(grants ...Grant) Finding { return judgeNoMore(w, wanted, grants) }
	argo := argoWorkload(t, &tbotconfig.ArgoCD{Selectors: []tbotconfig.Selector{{Name: "production"}}})
	by := func(may Verdict) Finding {
		l := &Live{Workload: w, Grants: failing[[]Grant], May: func(context.Context, []Access) []Verdict { return []Verdict{may} }}
		return runMayDoNoMore(t.Context(), &Facts{Live: l}, l)
	}
	judgedOn(t, map[string]verdict{
		"the least":       {with(roleIn("default", least)), Pass, "no Role gives it another Secret", "", "-"},
		"nothing":         {with(), Pass, "no Role", "", "-"},
		"every Secret":    {with(roleIn("default", all)), Warn, "Role tbot, by RoleBinding tbot, lets the service account do anything with every Secret in namespace default", "get, patch, create secrets identity-output", "patch role tbot"},
		"list":            {with(roleIn("default", least, rule([]string{"list"}, nil, "secrets"))), Warn, "list every Secret", "", "patch role tbot"},
		"another Secret":  {with(roleIn("default", rule([]string{"get"}, []string{"identity-output", "database"}, "secrets"))), Warn, "get Secret database", "", "patch role tbot"},
		"more in it":      {with(roleIn("default", all, rule([]string{"get"}, nil, "pods"))), Warn, "every Secret", "", "edit rolebinding tbot"},
		"the cluster":     {with(admin), Warn, "ClusterRole cluster-admin, by ClusterRoleBinding admins, lets the service account do anything with every Secret in the whole cluster", "", "kubectl edit clusterrolebinding admins"},
		"not Secrets":     {with(roleIn("default", rule([]string{"*"}, nil, "configmaps"))), Pass, "no Role", "", "-"},
		"Argo CD's POST":  {judgeNoMore(argo, argo.writes(teleportName), []Grant{roleIn("default", rule([]string{"create"}, nil, "secrets"))}), Pass, "no Role", "", "-"},
		"not seen, but":   {by(Verdict{Allowed: true}), Warn, "may list all Secrets of namespace default", "", "get roles,rolebindings"},
		"not seen, and":   {by(Verdict{}), Unknown, "may not list", "", "-"},
		"not seen at all": {by(Verdict{Err: errForbidden}), Unknown, "forbidden", "", "-"},
	})
}
