package owner

import (
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Change says in a clause where a change of what is owned belongs.
func (o Owner) Change() string {
	switch o.Tool {
	case ArgoCD, Flux:
		return "change it in the repository that " + o.String() + " applies"
	case Helm:
		return "change it in what " + o.String() + " is made of, its values or its chart, and upgrade it"
	case Terraform:
		return "change it in its Terraform configuration, as tbotctl render --side teleport --teleport-format terraform prints it, and apply that"
	case Operator:
		return "change the object that the operator makes it from, a TeleportBotV1, TeleportProvisionToken or TeleportRole of that name, " +
			"as tbotctl render --side teleport --teleport-format operator prints it"
	case Controller:
		return "change " + o.Of + ", which it is made from"
	}
	return ""
}

// Removal says in a clause how what is owned goes for good.
func (o Owner) Removal() string {
	switch o.Tool {
	case ArgoCD:
		prune := "sync with --prune"
		if o.Name != "" {
			prune = "run argocd app sync " + spec.ShellWord(strings.TrimPrefix(o.Namespace+"/"+o.Name, "/")) + " --prune"
		}
		return "remove it from the repository, and where Argo CD does not prune by itself, " + prune
	case Flux:
		return "remove it from the repository; Flux removes it where prune is on"
	case Helm:
		if o.Name == "" {
			return "remove it from its release, or uninstall that"
		}
		command := "helm uninstall " + spec.ShellWord(o.Name)
		if o.Namespace != "" {
			command += " --namespace " + spec.ShellWord(o.Namespace)
		}
		return "remove it from the chart or its values, or run " + command
	case Terraform:
		return "remove it from the Terraform configuration and apply that"
	case Operator:
		return "delete the object that the operator makes it from, a TeleportBotV1, TeleportProvisionToken or TeleportRole of that name"
	case Controller:
		return "remove " + o.Of
	}
	return ""
}

// LetGo says in a clause how the owner is made to forget what was taken over from it, without removing it: until then it writes it again.
func (o Owner) LetGo() string {
	switch o.Tool {
	case ArgoCD:
		return "annotate it with argocd.argoproj.io/sync-options: Prune=false in the repository, sync, and remove it there"
	case Flux:
		return "annotate it with kustomize.toolkit.fluxcd.io/prune: disabled in the repository, and once that is applied remove it there"
	case Helm:
		return "annotate it with helm.sh/resource-policy: keep in the chart, upgrade, and remove it there"
	case Terraform:
		return "remove it from the Terraform configuration, and from the state with terraform state rm"
	case Operator:
		return "annotate the operator's object with teleport.dev/keep: \"true\", and delete that"
	case Controller:
		return "take it out of " + o.Of
	}
	return ""
}
