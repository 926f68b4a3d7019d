package review

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/manifests"
)

// objects say of each object what it is able to do, by what stands in it.
func (from Page) objects(p *page) error {
	p.head(2, "Objects, and what they can do")
	set := from.Set
	if !from.Setup.Side.HasKubernetes() || !from.Setup.Side.HasTeleport() {
		set = from.stream()
	}
	for _, r := range set {
		words, err := from.power(r)
		if err != nil {
			return fmt.Errorf("reading %s: %w", r.ID(), err)
		}
		name := r.Name
		if r.Namespace != "" {
			name = r.Namespace + "/" + r.Name
		}
		if r.System == manifests.Helm {
			name = from.Setup.Release()
		}
		p.item(fmt.Sprintf("%s %s%s", r.Kind, code(name), systemWords(r.System)))
		for _, sentence := range words {
			p.sub(sentence)
		}
	}
	return nil
}

func systemWords(system manifests.System) string {
	switch system {
	case manifests.Teleport:
		return ", in Teleport"
	case manifests.Target:
		return ", in each Kubernetes cluster that the bot reaches"
	case manifests.Helm:
		return ", of the Helm chart teleport-kube-agent"
	case manifests.Kubernetes:
	}
	return ""
}

// power is one object in sentences.
func (from Page) power(r manifests.Resource) ([]string, error) {
	switch r.Kind {
	case "Namespace":
		return []string{"Made where it is not there; it gives nobody anything."}, nil
	case "ServiceAccount":
		return []string{"What pods have to run as to join. It holds no right of its own."}, nil
	case "Role":
		return roleWords(r)
	case "RoleBinding", "ClusterRoleBinding":
		return bindingWords(r)
	case "ConfigMap":
		return configWords(r)
	case "Deployment":
		return workloadWords(r)
	case "role":
		return teleportRoleWords(r.Role), nil
	case "bot":
		return []string{"Its certificates carry the roles " + codes(r.Bot.GetSpec().GetRoles()) + ". What these allow is decided in Teleport, and changes with them."}, nil
	case "token":
		return tokenWords(r.Token), nil
	case "values":
		return []string{
			"Applied by Helm and never by tbotctl; it holds no secret.",
			"The chart makes the pods, and a ClusterRole by which they may impersonate any user, group and service account: that is how Teleport acts in this cluster. Its Role may read and write Secrets of the namespace.",
		}, nil
	}
	return []string{"Not known to this page: read it in the manifests."}, nil
}

func roleWords(r manifests.Resource) ([]string, error) {
	var role rbacv1.Role
	if err := yaml.Unmarshal(r.YAML, &role); err != nil {
		return nil, err
	}
	var words []string
	for _, rule := range role.Rules {
		what := codes(rule.Resources)
		if groups := slices.DeleteFunc(slices.Clone(rule.APIGroups), func(group string) bool { return group == "" }); len(groups) > 0 {
			what += " of " + codes(groups)
		}
		held := "**every one** of namespace " + code(r.Namespace)
		switch {
		case len(rule.ResourceNames) > 0:
			held = codes(rule.ResourceNames) + " and no other"
		case slices.Equal(rule.Verbs, []string{"create"}):
			held = "new ones in namespace " + code(r.Namespace) + ", whose name RBAC cannot know beforehand"
		}
		words = append(words, fmt.Sprintf("May %s %s: %s.", strings.Join(rule.Verbs, ", "), what, held))
	}
	return words, nil
}

func bindingWords(r manifests.Resource) ([]string, error) {
	var binding rbacv1.RoleBinding // of which a ClusterRoleBinding has the same fields
	if err := yaml.Unmarshal(r.YAML, &binding); err != nil {
		return nil, err
	}
	var whom []string
	for _, subject := range binding.Subjects {
		name := subject.Name
		if subject.Namespace != "" {
			name = subject.Namespace + "/" + name
		}
		whom = append(whom, subject.Kind+" "+code(name))
	}
	where := "everywhere in the cluster"
	if r.Namespace != "" {
		where = "in namespace " + code(r.Namespace)
	}
	words := []string{fmt.Sprintf("Gives %s what %s %s allows, %s, and nobody else.", strings.Join(whom, ", "), binding.RoleRef.Kind, code(binding.RoleRef.Name), where)}
	if meaning := roleMeans(binding.RoleRef.Name); r.System == manifests.Target && meaning != "" {
		words = append(words, meaning)
	}
	return words, nil
}

// roleMeans says what the stock ClusterRoles come to.
func roleMeans(name string) string {
	switch name {
	case "view":
		return "It reads everything but Secrets and RBAC, and changes nothing."
	case "edit", "admin":
		return "It changes what runs, reads Secrets, and so can act as any service account of the namespaces that it holds for."
	case "cluster-admin":
		return "It may do everything, Secrets and RBAC too."
	}
	return "What that ClusterRole allows is up to each cluster."
}

// configWords say what tbot.yaml has tbot do.
func configWords(r manifests.Resource) ([]string, error) {
	data, _, err := nestedTexts(r)
	if err != nil {
		return nil, err
	}
	words := []string{"Holds no secret: " + codes(slices.Sorted(maps.Keys(data))) + "."}
	text, found := data[manifests.ConfigFile]
	if !found {
		return words, nil
	}
	config, err := tbotconfig.Decode([]byte(text))
	if err != nil {
		return nil, err
	}
	if len(config.Outputs) == 0 {
		return append(words, "tbot only joins and writes nothing."), nil
	}
	for _, output := range config.Outputs {
		where := "of its own making"
		if to, ok := tbotconfig.DestinationOf(output); ok {
			where = code(to.Type)
			if to.Name != "" {
				where = "Secret " + code(to.Name)
			}
		}
		if argo, ok := output.(*tbotconfig.ArgoCD); ok {
			where = "one Secret for each matched cluster, for Argo CD"
			if argo.SecretNamespace != "" {
				where += " in namespace " + code(argo.SecretNamespace)
			}
		}
		words = append(words, fmt.Sprintf("tbot writes the output %s to %s.", code(output.Shared().Type), where))
	}
	return words, nil
}

func teleportRoleWords(role *types.RoleV6) []string {
	allow := role.Spec.Allow
	which := "those whose labels are " + code(labelText(allow.KubernetesLabels))
	if allow.KubernetesLabelsExpression != "" {
		which = "those for which " + code(allow.KubernetesLabelsExpression)
	}
	words := []string{"Reaches the Kubernetes clusters that are enrolled in Teleport: " + which + ". One that gets such labels later is among them."}
	if len(allow.KubeGroups) > 0 {
		words = append(words, "There it acts as groups "+codes(allow.KubeGroups)+".")
	}
	if len(allow.KubeUsers) > 0 {
		as := codes(allow.KubeUsers)
		if slices.Contains(allow.KubeUsers, types.Wildcard) {
			as += ", which is **anybody**: treat it as cluster-admin"
		}
		words = append(words, "There it acts as users "+as+".")
	}
	for _, resource := range allow.KubernetesResources {
		words = append(words, fmt.Sprintf("Teleport lets through: kind %s, namespace %s, verbs %s.", code(resource.Kind), code(resource.Namespace), codes(resource.Verbs)))
	}
	return words
}

func labelText(labels types.Labels) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		all = append(all, key+"="+strings.Join(labels[key], "|"))
	}
	return strings.Join(all, ", ")
}

func tokenWords(token *types.ProvisionTokenV2) []string {
	var accounts []string
	for _, rule := range token.Spec.Kubernetes.Allow {
		accounts = append(accounts, rule.ServiceAccount)
	}
	as := make([]string, len(token.Spec.Roles))
	for i, role := range token.Spec.Roles {
		as[i] = string(role)
	}
	who := "as " + codes(as)
	if token.Spec.BotName != "" {
		who = "as bot " + code(token.Spec.BotName)
	}
	ends := "It has no end: it lets in until it is removed."
	if expiry := token.Expiry(); !expiry.IsZero() {
		ends = "It ends at " + expiry.UTC().Format(time.RFC3339) + "."
	}
	return []string{
		fmt.Sprintf("Lets in %s: service account %s and no other, by a token that Teleport verifies by %s.", who, codes(accounts), code(string(token.Spec.Kubernetes.Type))),
		"Its name is no secret: it alone lets nobody in. " + ends,
	}
}
