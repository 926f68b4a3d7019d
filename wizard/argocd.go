package wizard

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// elsewhere is the way to a namespace that is not listed.
const elsewhere = "another namespace"

func (w *Wizard) forArgoCD() bool { return w.answers.Setup.Access == spec.AccessArgoCD }

// lookForArgoCD gives the namespaces that hold an Argo CD; none where it could not be looked for, which is said.
func (w *Wizard) lookForArgoCD(ctx context.Context) (found []string, err error) {
	err = w.work(ctx, "Looking for Argo CD, for up to 20 s", func(ctx context.Context) (err error) {
		found, err = w.Kubernetes.ArgoCDs(ctx)
		return err
	})
	if err != nil && !errors.Is(err, prompt.ErrCancelled) {
		w.Speaker.Warn("Argo CD could not be looked for, so type its namespace: " + err.Error())
		return nil, nil
	}
	return found, err
}

// askArgoCD has the namespace of Argo CD chosen among those where it is, or typed.
func (w *Wizard) askArgoCD(ctx context.Context) error {
	found, err := w.lookForArgoCD(ctx)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return w.typeArgoCD(ctx, w.ask)
	}
	field := w.field(FlagArgoCDNamespace, prompt.One)
	field.Validate = nil
	for _, namespace := range found {
		field.Choices = append(field.Choices, prompt.Choice{Value: namespace, Label: namespace, Note: "holds ConfigMap argocd-cm"})
	}
	field.Choices = append(field.Choices, prompt.Choice{Value: elsewhere, Label: elsewhere, Note: "typed"})
	switch {
	case field.Value == "":
		field.Value = found[0]
	case !slices.Contains(found, field.Value):
		field.Value = elsewhere
	}
	for {
		fields, err := w.ask(ctx, field)
		if err != nil {
			return err
		}
		if field.Value = fields[0].Value; field.Value != elsewhere {
			return w.setArgoCD(field.Value)
		}
		if err := w.typeArgoCD(ctx, w.askWithin); !errors.Is(err, prompt.ErrBack) {
			return err
		}
	}
}

func (w *Wizard) typeArgoCD(ctx context.Context, ask func(context.Context, ...prompt.Field) ([]prompt.Field, error)) error {
	field := w.field(FlagArgoCDNamespace, prompt.Text)
	field.Validate = both(required("Argo CD runs in a namespace, often argocd"), field.Validate)
	fields, err := ask(ctx, field)
	if err != nil {
		return err
	}
	return w.setArgoCD(fields[0].Value)
}

// setArgoCD says where the Secrets go where that is not where tbot runs.
func (w *Wizard) setArgoCD(namespace string) error {
	if own := w.answers.Setup.Kubernetes.Namespace; own != namespace {
		w.Speaker.Say(fmt.Sprintf("tbot runs in namespace %s and gets rights on Argo CD's cluster Secrets in %s.", own, namespace))
	}
	return w.set(FlagArgoCDNamespace, namespace)
}

// askArgoCDRBAC has chosen how far tbot may read Argo CD's Secrets; more than the least takes a yes.
func (w *Wizard) askArgoCDRBAC(ctx context.Context) error {
	byLabels := len(w.answers.Setup.Reach.Labels) > 0
	if byLabels && w.clusters == nil {
		if err := w.lookAtClusters(ctx); err != nil {
			return err
		}
	}
	field := w.field(FlagArgoCDRBAC, prompt.One)
	named := prompt.Choice{Value: string(spec.ArgoCDRBACNamed), Label: "named", Note: "of the clusters that match now; recommended"}
	if byLabels && w.clusters == nil {
		named.Refused = "which clusters the labels match could not be looked up"
	}
	field.Validate = nil
	field.Choices = []prompt.Choice{named, {Value: string(spec.ArgoCDRBACNamespace), Label: "namespace", Note: "every Secret there, for clusters to come"}}
	switch {
	case named.Refused != "":
		field.Value = string(spec.ArgoCDRBACNamespace)
	case field.Value == "":
		field.Value = named.Value
	}
	for {
		fields, err := w.ask(ctx, field)
		if err != nil {
			return err
		}
		if field.Value = fields[0].Value; field.Value == string(spec.ArgoCDRBACNamespace) {
			err = w.sure(ctx, FlagArgoCDRBAC, spec.ArgoCDRBACNamespaceMeans)
		}
		switch {
		case err == nil:
			return w.set(FlagArgoCDRBAC, field.Value)
		case !errors.Is(err, prompt.ErrBack):
			return err
		}
	}
}

// letImpersonate takes a yes to what it means that Argo CD acts as any user, and drops who would stand beside it.
func (w *Wizard) letImpersonate(ctx context.Context) error {
	if err := w.sure(ctx, FlagImpersonation, spec.AnyUserMeans); err != nil {
		return err
	}
	setup := &w.answers.Setup
	setup.Reach.Groups, setup.Reach.Users, setup.ArgoCD.Impersonation = nil, nil, true
	return nil
}

// shelveArgoCD puts away what Argo CD alone has a use for, and what it has none for, and brings the former back.
func (w *Wizard) shelveArgoCD() {
	setup := &w.answers.Setup
	if !w.forArgoCD() {
		if setup.ArgoCD.Given() {
			w.shelvedArgoCD, setup.ArgoCD = setup.ArgoCD, spec.ArgoCD{}
		}
		return
	}
	setup.Output.Secret = ""
	if !setup.ArgoCD.Given() {
		setup.ArgoCD = w.shelvedArgoCD
	}
	if users := setup.Reach.Users; len(users) > 1 || setup.Reach.AsAnyone() {
		setup.Reach.Users = nil
	}
	if setup.ArgoCD.Impersonation {
		setup.Reach.Groups, setup.Reach.Users = nil, nil
	}
}

// beside are the namespaces where Argo CD runs, for a tbot that is to run beside it.
func (w *Wizard) beside(ctx context.Context) ([]string, error) {
	if !w.forArgoCD() {
		return nil, nil
	}
	return w.lookForArgoCD(ctx)
}
