package spec

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

	"k8s.io/apimachinery/pkg/util/validation"
)

// argoCDLabel is the label by which Argo CD knows a cluster's Secret; tbot sets it itself (teleport-facts 6.5).
const argoCDLabel = "argocd.argoproj.io/secret-type"

// validateArgoCD judges what is there, by the rules of tbot's output (teleport-facts 6.3) and by what impersonation is held to.
func (s Setup) validateArgoCD(v *collector) {
	if s.Access != AccessArgoCD {
		s.refuseArgoCD(v)
		return
	}
	a := s.ArgoCD
	if a.Namespace != "" {
		v.dns("argocd-namespace", a.Namespace, validation.IsDNS1123Label)
	}
	if a.Project != "" {
		v.dns("argocd-project", a.Project, validation.IsDNS1123Subdomain)
	}
	v.names("argocd-namespaces", "name of a namespace", a.Namespaces, func(name string) bool { return len(validation.IsDNS1123Label(name)) == 0 })
	if a.ClusterResources && len(a.Namespaces) == 0 {
		v.add("argocd-cluster-resources", "given without --argocd-namespaces: a cluster that is held to no namespaces has its own resources anyway", "name the namespaces too, or leave it out")
	}
	v.secretLabels(a.SecretLabels)
	v.nameTemplate(a.NameTemplate)
	if a.RBAC != "" {
		oneOf(v, "argocd-rbac", a.RBAC, ArgoCDRBACNamed, ArgoCDRBACNamespace)
	}
	if s.Output.Secret != "" {
		v.add("output-secret", "given, but --access argocd writes one Secret for each cluster, whose names tbot makes", "leave it out")
	}
	s.validateActing(v)
}

// validateActing holds who the bot is to what Teleport can choose from: Argo CD's requests for the whole cluster name no user, so that
// one of several cannot be picked (field-notes P26), and groups go along with whoever is named.
func (s Setup) validateActing(v *collector) {
	anyone := slices.Contains(s.Reach.Users, AnyUser)
	switch {
	case s.ArgoCD.Impersonation && len(s.Reach.Groups) > 0:
		v.add("kube-groups", "given together with --argocd-impersonation: the groups would go along with whoever Argo CD acts as, and end the separation", "leave one of the two out")
	case s.ArgoCD.Impersonation && len(s.Reach.Users) > 0 && !anyone:
		v.add("kube-users", "given together with --argocd-impersonation, by which the bot may act as any user", "leave one of the two out")
	case s.ArgoCD.Impersonation:
	case anyone:
		v.add("kube-users", "* lets Argo CD act as any user, and nothing says that it is to", "give --argocd-impersonation, or name one user")
	case len(s.Reach.Users) > 1:
		v.add("kube-users", fmt.Sprintf("%d users are named, and Argo CD's requests for a whole cluster do not say which one they are for, so Teleport refuses them", len(s.Reach.Users)),
			"name one, give --kube-groups, or let Argo CD act as any user by --argocd-impersonation")
	}
}

// refuseArgoCD names the answers that no other access has a use for.
func (s Setup) refuseArgoCD(v *collector) {
	for _, field := range argoCDFields() {
		if field.Get(s) != "" {
			v.add(field.Flag, fmt.Sprintf("given, but --access %s writes nothing for Argo CD", s.Access), "leave it out, or choose --access argocd")
		}
	}
}

func (c *collector) secretLabels(labels map[string]string) {
	const flag = "argocd-secret-labels"
	for _, key := range sorted(labels) {
		pair := Quote(key + "=" + labels[key])
		switch {
		case key == argoCDLabel:
			c.add(flag, pair+": tbot sets this label itself, and Argo CD finds the Secret by it", "leave it out")
		case len(validation.IsQualifiedName(key)) > 0:
			c.add(flag, pair+" has no key that Kubernetes takes", firstRule(validation.IsQualifiedName(key)))
		case len(validation.IsValidLabelValue(labels[key])) > 0:
			c.add(flag, pair+" has no value that Kubernetes takes", firstRule(validation.IsValidLabelValue(labels[key])))
		}
	}
}

// nameTemplate tries the template as tbot does before it starts, and that it tells clusters apart: Argo CD shows them by these names,
// and Applications name them so.
func (c *collector) nameTemplate(text string) {
	const flag, example = "argocd-name-template", "write for example {{.KubeName}}"
	if text == "" {
		return
	}
	parsed, err := template.New("name").Parse(text)
	if err != nil {
		c.add(flag, Quote(text)+" is no template over {{.ClusterName}} and {{.KubeName}}", example)
		return
	}
	shown := func(kube string) (string, error) {
		var name strings.Builder
		err := parsed.Execute(&limited{&name}, struct{ ClusterName, KubeName string }{"teleport", kube})
		return name.String(), err
	}
	one, err := shown("one")
	other, second := shown("other")
	switch {
	case err != nil || second != nil:
		c.add(flag, Quote(text)+" is no template over {{.ClusterName}} and {{.KubeName}}", example)
	case one == other:
		c.add(flag, Quote(text)+" gives all clusters one name", "let it hold {{.KubeName}}")
	}
}

// limited ends a template that prints without end.
type limited struct{ *strings.Builder }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxFile {
		return 0, io.ErrShortWrite
	}
	return l.Builder.Write(p)
}
