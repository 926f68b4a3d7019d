package manifests

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Formats are the values of --kube-format and then those of --teleport-format, as the page about them shows them.
func Formats() []string {
	return []string{
		string(spec.KubeManifests), string(spec.KubeKustomize), string(spec.KubeHelm),
		string(spec.TeleportYAML), string(spec.TeleportOperator), string(spec.TeleportTerraform),
	}
}

// Limit is an answer that a format refuses, because it could only leave it out.
type Limit struct {
	Format, Flag string
	// When says which values; empty is all of them.
	When string
	// Why is half a sentence, in a refusal and on the page.
	Why string
	// Fix says what to do instead.
	Fix string
}

// Limits are all that any format refuses. The formats make their refusals from here, and the page shows them.
func Limits() []Limit {
	const plain = "choose --kube-format manifests or kustomize"
	operator := func(flag string) Limit {
		return Limit{
			Format: string(spec.TeleportOperator), Flag: flag, When: "a name that Kubernetes does not take",
			Why: "the name of a custom resource is that of what it stands for, and Kubernetes takes lower-case letters, digits, - and . alone",
			Fix: "choose another name, or --teleport-format yaml or terraform",
		}
	}
	return []Limit{
		{
			Format: string(spec.KubeHelm), Flag: "priority-class",
			Why: "the chart has no value for a priority class", Fix: "leave it out, or " + plain,
		},
		{
			Format: string(spec.KubeHelm), Flag: "image", When: "a digest, or a tag that is no release",
			Why: "the chart runs the tag that is its own version", Fix: "give an image without a tag, or " + plain,
		},
		{
			Format: string(spec.KubeHelm), Flag: "join-type", When: "in_cluster with Teleport before 17.0.3, or of a version that is not known",
			Why: "the chart asks for the cluster's name as audience, which such a server's TokenReview does not know", Fix: plain,
		},
		{
			Format: string(spec.KubeHelm), Flag: "labels", When: "app.kubernetes.io/component and helm.sh/chart",
			Why: "the chart sets this one on its pod itself", Fix: "choose another key, or " + plain,
		},
		{
			Format: string(spec.KubeHelm), Flag: "annotations", When: "checksum/config",
			Why: "the chart sets this one on its pod itself", Fix: "choose another key, or " + plain,
		},
		operator("bot-name"),
		operator("token-name"),
		{
			Format: string(spec.TeleportOperator), Flag: "operator-namespace", When: "none",
			Why: "the operator watches one namespace, and which one is nowhere to be seen", Fix: "name it",
		},
	}
}

// refuse makes the error of a limit; problem says what was given, empty where the limit is about every value.
func refuse(format, flag, problem string) error {
	all := Limits()
	i := slices.IndexFunc(all, func(l Limit) bool { return l.Format == format && l.Flag == flag })
	limit := all[i]
	asked := "--kube-format "
	if format == string(spec.TeleportOperator) {
		asked = "--teleport-format "
	}
	return &spec.Invalid{Fields: []spec.FieldError{{
		Flag: flag, Problem: cmp.Or(problem, "given") + " with " + asked + format + ": " + limit.Why, Fix: limit.Fix,
	}}}
}

// Shortfalls say in words what a format gives less than the plain one of its side, beside the answers that it refuses.
func Shortfalls(format string) []string {
	switch format {
	case string(spec.KubeHelm):
		return []string{
			"What the chart makes weaker than tbotctl's manifests, whatever its values: the pod mounts its configuration and its join token writable, gets the addresses of the namespace's services as variables, and without an output still gets a token for the API server.",
			"What it makes weaker by itself and these values take back: its Role allows everything with every Secret of the namespace, its pod has no security context (charts before 17.3 may have no value for one), and its state lies in one more Secret.",
			"Deployment and ConfigMap are Helm's: `helm uninstall` removes them, and `tbotctl delete` leaves them alone.",
		}
	case string(spec.TeleportOperator):
		return []string{
			"The mark of the installation does not reach Teleport: the operator copies a resource's labels, and no label of Kubernetes' can hold it.",
			"What is deleted in Kubernetes, the operator deletes in Teleport.",
		}
	case string(spec.TeleportTerraform):
		return []string{
			"A bot of a provider before 18.4.0 carries no labels, so nothing in Teleport tells whose it is.",
		}
	}
	return nil
}

// comment writes sentences as comments, each from a line of its own.
func comment(sentences ...string) string {
	const width = 130
	var b strings.Builder
	for _, sentence := range sentences {
		line := "#"
		for word := range strings.FieldsSeq(sentence) {
			if len(line)+len(word) >= width {
				b.WriteString(line + "\n")
				line = "#"
			}
			line += " " + word
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
