package manifests

import (
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// readyForArgoCD says what access argocd lacks. A Role that is to name Secrets and names none would allow every one.
func readyForArgoCD(s spec.Setup) error {
	if s.Access != spec.AccessArgoCD {
		return nil
	}
	if s.ArgoCDNamespace() == "" {
		return fmt.Errorf("%w: missing --argocd-namespace; nothing says where Argo CD reads its cluster Secrets", ErrNotReady)
	}
	if !s.ArgoCD.NamesSecrets() {
		return nil
	}
	switch {
	case s.Resolved == nil || s.Resolved.ClusterName == "":
		return nil // said by whoever wants it resolved
	case len(s.Reach.Labels) > 0 && len(s.Resolved.KubeClusters) == 0, len(tbotconfig.ClusterSecrets(s)) == 0:
		return fmt.Errorf("%w: tbot's Role names the Secrets of the clusters that match, and which ones match --kube-labels is not known; resolve them with a Teleport login that sees the clusters (init --save), name them by --kube-cluster, or give --argocd-rbac namespace: %s",
			ErrNotReady, spec.ArgoCDRBACNamespaceMeans)
	}
	return nil
}

// tbotWritesArgoCD refuses a server or a tbot that is too old for what the output needs.
func tbotWritesArgoCD(s spec.Setup) error {
	config, err := tbotconfig.Encode(tbotconfig.For(s))
	if err != nil {
		return err
	}
	image := s.Resolved.Image
	for _, tbot := range []struct{ what, version string }{
		{"Teleport", s.Resolved.ServerVersion}, {"tbot", s.Workload.TbotVersion}, {"image " + image + ", tbot", image[strings.LastIndex(image, ":")+1:]},
	} {
		if !spec.IsRelease(tbot.version) {
			continue
		}
		wrong := func(flag, problem, fix string) error {
			return &spec.Invalid{Fields: []spec.FieldError{{Flag: flag, Problem: tbot.what + " " + tbot.version + " " + problem, Fix: fix}}}
		}
		if known, releases := tbotconfig.KnownTo(tbotconfig.TypeArgoCD, tbot.version); !known {
			return wrong("access", "has no output for Argo CD", "upgrade: Teleport "+releases+" has it")
		}
		_, problems := tbotconfig.Lint(config, tbot.version)
		for _, problem := range problems {
			if !problem.Warning && strings.HasSuffix(problem.Path, "cluster_name_template") {
				return wrong("argocd-name-template", "does not know it: "+problem.Text, "leave it out, or upgrade")
			}
		}
	}
	return nil
}
