package cmd

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/tbotctl/tbotctl/internal/files"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/manifests"
)

// valuesFile is where the values of an agent's release go in a run that applies.
func (o *initOptions) valuesFile() string {
	if o.agentValues != "" {
		return o.agentValues
	}
	return o.setup.Release() + "-values.yaml"
}

// judgeValues holds --agent-values to what it goes with, and finds out beforehand where the file cannot be written.
func (o *initOptions) judgeValues() error {
	switch {
	case o.agentValues == "":
		return nil
	case !o.setup.IsAgent() && !o.guides(): // whom a person is still to be asked about
		return usagef("--agent-values goes with --workload agent: nothing else is left to Helm")
	case o.filesOnly():
		return usagef("--agent-values goes with a run that applies; --out-dir has the values in agent/values.yaml")
	}
	var wrong *files.NoFolder
	if errors.As(files.Replaceable(o.agentValues), &wrong) {
		return usagef("--agent-values: %w", wrong)
	}
	return nil
}

// putValues writes the values before anything is applied: a file that holds something else stops the run while nothing is changed.
func (r *initRun) putValues(set manifests.Set) error {
	values := set.Values()
	if values == nil {
		return nil
	}
	path := r.valuesFile()
	done, err := files.Write(filepath.Dir(path), []files.File{{Path: filepath.Base(path), Data: values}}, files.Options{Overwrite: r.overwrite})
	var inTheWay *files.InTheWay
	if errors.As(err, &inTheWay) {
		return &findingError{text: fmt.Sprintf("--agent-values: %s; nothing was applied; name another file%s", inTheWay, wayOut(inTheWay)), causes: []error{err}}
	}
	if err != nil {
		return fmt.Errorf("--agent-values: %w; nothing was applied", err)
	}
	r.result.Values = &done[0]
	return nil
}

// pod is what the proof binds its token to: the pod of the Deployment, or one like the agent's.
func (s *session) pod(set manifests.Set) (*appsv1.Deployment, error) {
	if s.setup.IsAgent() {
		return manifests.AgentPod(s.setup)
	}
	return set.Deployment()
}

// joinAsHost joins once in each role of the agent.
func (s *session) joinAsHost(ctx context.Context, token spec.Secret) (proof.Outcome, error) {
	cluster, err := s.clusters.joined(ctx)
	if err != nil {
		return proof.Outcome{}, err
	}
	var outcome proof.Outcome
	for _, role := range s.setup.Agent.Roles {
		host, err := tbot.JoinHost(ctx, tbot.HostRequest{Cluster: cluster, Token: s.setup.Names().Token, IDToken: token, Role: role})
		if err != nil {
			return outcome, err
		}
		outcome.User, outcome.Via = host.Name, host.Via
		outcome.Roles = append(outcome.Roles, host.Role)
	}
	return outcome, nil
}

// provenLine says as whom Teleport let the token in.
func provenLine(proven proof.Result, agent bool) string {
	if agent {
		return fmt.Sprintf("proven as %s over %s; the host certificates were looked at and thrown away", strings.Join(proven.Roles, ", "), proven.Via)
	}
	return fmt.Sprintf("proven as %s over %s, certificate until %s", proven.User, proven.Via, proven.NotAfter.UTC().Format(time.TimeOnly)+" UTC")
}

// sayAgent says what the join token of an agent grants, and what is left to Helm.
func (s *session) sayAgent() {
	n := s.setup.Names()
	s.progress.Say(fmt.Sprintf("What this grants: pods of service account %s/%s may join %s as a Teleport agent with the system roles %s, and with no other.",
		n.Namespace, n.ServiceAccount, s.setup.Resolved.ClusterName, strings.Join(s.setup.Agent.Roles, ", ")))
	s.progress.Say("The proof joins once in each of them, which Teleport's audit log shows as instance.join of tbotctl-proof; no agent is registered by it.")
	s.progress.Say(fmt.Sprintf("What runs is up to Helm: chart %s %s, release %s. tbotctl writes its values and never calls Helm.", spec.AgentChart, s.setup.Resolved.ImageVersion(), s.setup.Release()))
	if s.setup.Agent.Serves(spec.RoleApp, spec.RoleDb) && len(s.setup.Agent.Labels) == 0 {
		s.progress.Say("No labels were given, so only roles that match every label, such as access, give anybody access to what the agent serves; --agent-labels sets some.")
	}
}

// helm is the command that installs or upgrades the agent's release with the values of a file.
func (o *initOptions) helm(values string) string {
	return o.commands().helm(spec.AgentChart, o.setup.Release(), values)
}

// nextOfAgent are the commands that make the agent run, and show what it serves.
func (r *initRun) nextOfAgent() []string {
	next := []string{
		r.helm(r.valuesFile()),
		fmt.Sprintf("kubectl --context %s --namespace %s rollout status statefulset/%s", spec.ShellWord(r.setup.Kubernetes.Context), r.setup.Kubernetes.Namespace, r.setup.Release()),
	}
	for _, role := range []struct{ name, command string }{{spec.RoleApp, "tsh apps ls"}, {spec.RoleKube, "tsh kube ls"}, {spec.RoleDb, "tsh db ls"}} {
		if r.setup.Agent.Serves(role.name) {
			next = append(next, role.command)
		}
	}
	return next
}

// notForAgents refuses a command that is about a tbot that lives.
func notForAgents(s spec.Setup, command string) error {
	if !s.IsAgent() {
		return nil
	}
	return usagef("--workload agent: %s is about tbot, and the answers are those of an agent; `tbotctl init --prove always` with them proves its join again", command)
}

// sayRelease says of an installation that is an agent's what stays: the release is Helm's, and its certificates are good for as long as
// the cluster's host authority.
func (r *deleteRun) sayRelease() {
	if !r.setup.IsAgent() && !r.result.Found.Agent {
		return
	}
	release := "the agent's release"
	uninstall := "helm list --namespace " + spec.ShellWord(r.setup.Kubernetes.Namespace)
	if r.setup.IsAgent() {
		release = "release " + r.setup.Release()
		uninstall = fmt.Sprintf("helm uninstall %s --namespace %s", spec.ShellWord(r.setup.Release()), spec.ShellWord(r.setup.Kubernetes.Namespace))
	}
	r.progress.Warn(fmt.Sprintf("Helm's %s is not tbotctl's and stays: an agent that runs keeps the certificates that it has, and only cannot join anew. To end it: %s", release, uninstall))
}

// mayReview asks whether somebody may create TokenReviews, which belong to no namespace.
func (c *clusters) mayReview(ctx context.Context, user string) (bool, error) {
	namespace, _, _ := strings.Cut(strings.TrimPrefix(user, "system:serviceaccount:"), ":")
	status, err := c.kube.Review(ctx, authorizationv1.SubjectAccessReviewSpec{
		User: user, Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "create", Group: "authentication.k8s.io", Resource: "tokenreviews"},
	})
	if err == nil && !status.Allowed && !status.Denied && status.EvaluationError != "" {
		err = fmt.Errorf("asking what %s may do: %s", user, status.EvaluationError)
	}
	return status.Allowed, err
}
