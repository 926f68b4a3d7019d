package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// clustersOfArgoCD is the selector of the Secrets by which Argo CD knows its clusters (teleport-facts 6.5).
const clustersOfArgoCD = "argocd.argoproj.io/secret-type=cluster"

// findArgoCD looks for Argo CD where the answers say, else in all namespaces, and by who may not do that in tbot's own.
func (c *clusters) findArgoCD(ctx context.Context) ([]string, error) {
	given := c.setup.ArgoCD.Namespace
	found, err := c.kube.ArgoCDs(ctx, given)
	if given != "" || !kube.Is(err, kube.Forbidden) {
		return found, err
	}
	if here, second := c.kube.ArgoCDs(ctx, c.setup.Kubernetes.Namespace); second == nil && len(here) > 0 {
		return here, nil
	}
	return nil, fmt.Errorf("%w; give --argocd-namespace", err)
}

// tlsEnds tells that something in front of the proxy ends TLS.
func (c *clusters) tlsEnds(ctx context.Context) (bool, error) {
	look, err := teleport.LookAt(ctx, c.target, c.clock())
	return look.LoadBalancer, err
}

// resolveArgoCD keeps where Argo CD was found. What the answers hold is kept where refresh does not ask for it anew.
func (s *session) resolveArgoCD(ctx context.Context, held *spec.Resolved, refresh bool) error {
	if s.setup.Access != spec.AccessArgoCD || s.setup.ArgoCD.Namespace != "" || !s.setup.Side.HasKubernetes() {
		return nil
	}
	if held != nil && held.ArgoCDNamespace != "" && !refresh {
		s.setup.Resolved.ArgoCDNamespace = held.ArgoCDNamespace
		return nil
	}
	found, err := s.clusters.argoCDs(ctx)
	if err != nil {
		return err
	}
	if finding := checks.JudgeArgoCD("", found); finding.Status == checks.Fail {
		return &findingError{text: finding.Observed + "; " + finding.Fix}
	}
	s.setup.Resolved.ArgoCDNamespace = found[0]
	return nil
}

// botGroups are the kubernetes_groups of the roles that the bot is to have: those asked for, or those that it has and keeps. The role that
// tbotctl makes is not looked at, for what stands in it is the answers'.
func (s *session) botGroups(ctx context.Context) (map[string][]string, error) {
	admin, err := s.clusters.admin(ctx)
	if err != nil {
		return nil, err
	}
	id, err := s.clusters.identity(ctx)
	if err != nil {
		return nil, err
	}
	setup := s.setup.WithClusterID(id)
	kept, err := s.keptRoles(ctx, setup)
	if err != nil {
		return nil, err
	}
	groups := map[string][]string{}
	for _, name := range slices.Concat(setup.Teleport.Roles, kept) {
		if name == setup.Names().KubeRole {
			continue
		}
		role, err := admin.Role(ctx, name)
		if err != nil {
			return nil, err
		}
		if role != nil {
			groups[name] = role.Spec.Allow.KubeGroups
		}
	}
	return groups, nil
}

// withArgoCD is the setup with the namespace of Argo CD, as far as it is known before anything is resolved: rights are needed there.
func (s *session) withArgoCD(ctx context.Context) spec.Setup {
	setup := s.setup
	if setup.Access != spec.AccessArgoCD || setup.ArgoCDNamespace() != "" {
		return setup
	}
	if found, err := s.clusters.argoCDs(ctx); err == nil && len(found) == 1 {
		setup.ArgoCD.Namespace = found[0]
	}
	return setup
}

// clusterSecrets tells which of Argo CD's cluster Secrets are not there yet.
func (s *session) clusterSecrets(ctx context.Context) (all, missing []string, err error) {
	for _, secret := range tbotconfig.ClusterSecrets(s.setup) {
		found, err := s.clusters.kube.SecretMetadata(ctx, secret.Namespace, secret.Name)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, secret.String())
		if found == nil {
			missing = append(missing, secret.String())
		}
	}
	return all, missing, nil
}

// evidentSecrets adds the certificates in Argo CD's cluster Secrets to what evidence stands for.
func (r *initRun) evidentSecrets(ctx context.Context, live *checks.Live, found *proof.Result) error {
	secrets := tbotconfig.ClusterSecrets(r.setup)
	if len(secrets) == 0 {
		return nil
	}
	config := tbotconfig.For(r.setup)
	output := proof.Output{Name: config.NameOf(0), Type: config.Outputs[0].Shared().Type}
	var places []string
	for _, secret := range secrets {
		seen, err := live.Output(ctx, secret.Namespace, secret.Name)
		if err != nil {
			return err
		}
		if seen == nil || seen.Certificate == nil {
			return fmt.Errorf("there is no certificate in Secret %s", secret)
		}
		end := seen.Certificate.NotAfter
		if output.NotAfter.IsZero() || end.Before(output.NotAfter) {
			output.NotAfter, output.Roles = end, seen.Certificate.Subject.Organization
		}
		output.Clusters = append(output.Clusters, secret.Cluster)
		places = append(places, "Secret "+secret.String())
	}
	found.NotAfter, output.Destination = output.NotAfter, strings.Join(places, ", ")
	found.From += ", and the certificates in " + ui.Counted(len(secrets), "cluster Secret") + " of Argo CD"
	found.Outputs = append(found.Outputs, output)
	return nil
}

// wouldWrite says of a generated output what the pod would write.
func wouldWrite(output proof.Output) string {
	if output.Type != tbotconfig.TypeArgoCD {
		return fmt.Sprintf("would write %d files to %s, with the roles %s", len(output.Files), output.Destination, strings.Join(output.Roles, ", "))
	}
	return fmt.Sprintf("would write %s for Argo CD, with the roles %s: clusters %s",
		ui.Counted(len(output.Clusters), "Secret"), strings.Join(output.Roles, ", "), strings.Join(output.Clusters, ", "))
}

// sayArgoCD says what becomes of clusters that match later or no longer.
func (s *session) sayArgoCD() {
	if s.setup.Access != spec.AccessArgoCD {
		return
	}
	if !s.setup.Side.HasKubernetes() {
		s.progress.Say("Argo CD gets a Secret for each of them; where it is stands in Kubernetes alone.")
		return
	}
	s.progress.Say(fmt.Sprintf("Argo CD, in namespace %s, gets a Secret for each of them, which tbot renews every 20 minutes and never deletes.", s.setup.ArgoCDNamespace()))
	if s.setup.ArgoCD.NamesSecrets() && len(s.setup.Reach.Labels) > 0 {
		s.progress.Say("tbot may read and update these Secrets alone: a cluster that matches later takes another run of init, or --argocd-rbac namespace.")
	}
}

// argoCDNext is how what Argo CD got is looked at.
func (r *initRun) argoCDNext() []string {
	if r.setup.Access != spec.AccessArgoCD {
		return nil
	}
	return []string{fmt.Sprintf("kubectl --context %s --namespace %s get secrets --selector %s", spec.ShellWord(r.setup.Kubernetes.Context), r.setup.ArgoCDNamespace(), clustersOfArgoCD)}
}

// howArgoCD says where the clusters show up.
func (g *guided) howArgoCD() {
	for i, command := range g.argoCDNext() {
		if i == 0 {
			g.progress.Head("How to use it")
			g.progress.Say("Argo CD shows the clusters under Settings, Clusters, and `argocd cluster list` does; an Application names one by the name or server of its Secret:")
		}
		g.progress.Command(command)
	}
}
