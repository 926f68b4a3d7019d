package manifests

import (
	"bytes"
	"fmt"
	"text/template"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/templates"
)

// Render returns the resources of a Setup; of one whose side is teleport those of that side alone, for which less has to be known. It
// reads the answers and their resolved block alone and wants all names filled; an error that is ErrNotReady says what is missing,
// *spec.Invalid which answers are wrong, the patches among them.
func Render(s spec.Setup) (Set, error) {
	v, parsed, err := prepared(s)
	if err != nil {
		return nil, err
	}
	var set Set
	for _, part := range parts(s) {
		if onlyTeleport(s) && part.system != Teleport {
			continue
		}
		r, err := v.render(parsed, part)
		if err != nil {
			return nil, err
		}
		set = append(set, r)
	}
	return patched(s, set)
}

// onlyTeleport tells a run for whom the image, and what else stands in the pod, is nobody's business.
func onlyTeleport(s spec.Setup) bool { return !s.Side.HasKubernetes() }

// prepared is what rendering takes of a Setup that is ready for it, and the templates.
func prepared(s spec.Setup) (view, *template.Template, error) {
	if err := ready(s); err != nil {
		return view{}, nil, err
	}
	v, err := newView(s)
	if err != nil {
		return view{}, nil, err
	}
	parsed, err := parse()
	return v, parsed, err
}

// render fills one template.
func (v view) render(parsed *template.Template, part part) (Resource, error) {
	var text bytes.Buffer
	if err := parsed.ExecuteTemplate(&text, part.template, v); err != nil {
		return Resource{}, fmt.Errorf("rendering %s: %w", part.template, err)
	}
	r, err := decode(Resource{System: part.system, Stage: part.stage, YAML: text.Bytes()})
	if err != nil {
		return Resource{}, fmt.Errorf("rendering %s: %w", part.template, err)
	}
	return r, nil
}

// parse reads all templates.
func parse() (*template.Template, error) {
	parsed, err := template.New("").Option("missingkey=error").Funcs(functions()).ParseFS(templates.FS, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	return parsed, nil
}

type part struct {
	template string
	system   System
	stage    Stage
}

// parts lists what a Setup needs, in the order to apply.
func parts(s spec.Setup) []part {
	var all []part
	if s.Kubernetes.CreateNamespace {
		all = append(all, part{"namespace.yaml", Kubernetes, StageNamespace})
	}
	all = append(all, part{"serviceaccount.yaml", Kubernetes, StageRBAC})
	if s.IsAgent() {
		return append(all, agentParts(s)...)
	}
	if s.HasOutput() {
		role := "role.yaml"
		if s.Access == spec.AccessArgoCD {
			role = "argocdrole.yaml"
		}
		all = append(all, part{role, Kubernetes, StageRBAC}, part{"rolebinding.yaml", Kubernetes, StageRBAC})
	}
	if s.MakesRole() && !roleLeftOut(s) {
		all = append(all, part{"kuberole.yaml", Teleport, StageRole})
	}
	all = append(all,
		part{"bot.yaml", Teleport, StageBot},
		part{"token.yaml", Teleport, StageToken},
	)
	if s.MakesRole() {
		all = append(all, part{"target.yaml", Target, StageTarget})
	}
	return append(all,
		part{"configmap.yaml", Kubernetes, StageConfig},
		part{"deployment.yaml", Kubernetes, StageWorkload},
	)
}
