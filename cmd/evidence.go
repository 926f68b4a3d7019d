package cmd

import (
	"context"
	"errors"
	"fmt"

	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/survey"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// evidence looks whether an unchanged setup works by the checks of `verify --evidence`, without making, minting or writing anything.
// Where one of them says no, or could not look, the join is proven anew.
func (r *initRun) evidence(ctx context.Context) (*proof.Result, error) {
	if r.clusters.kube == nil {
		return nil, errNotAsked
	}
	n := r.setup.Names()
	found, err := survey.Find(ctx, r.clusters.kube, survey.Options{Namespace: n.Namespace, Name: n.Deployment})
	if err != nil {
		return nil, err
	}
	if len(found.Workloads) != 1 {
		return nil, fmt.Errorf("there is no Deployment %s/%s", n.Namespace, n.Deployment)
	}
	w := found.Workloads[0]
	facts := r.clusters.evidenceFacts(w, w.FairAge())
	// Here the kubelet's word does, which takes no right on the pod's proxy; and what the plan found unchanged is the bot.
	facts.Live.Health, facts.Live.Bot = nil, r.plannedBot
	for _, result := range checks.Run(ctx, r.evidenceChecks(), facts, func(checks.Result) {}) {
		if finding := result.Finding; finding.Status != checks.Pass && finding.Status != checks.Skip {
			return nil, errors.New(finding.Observed)
		}
	}
	return r.evident(ctx, facts.Live)
}

// evidenceChecks leave out the output of a bot that has none.
func (r *initRun) evidenceChecks() []checks.Check {
	var selected []checks.Check
	for _, check := range checks.Evidence() {
		if check.Category != checks.CategoryOutput || r.setup.HasOutput() {
			selected = append(selected, check)
		}
	}
	return selected
}

// plannedBot is the bot as the setup has it, and so as it lives where the plan changes nothing.
func (r *initRun) plannedBot(context.Context) (*machineidv1.Bot, error) {
	return &machineidv1.Bot{
		Metadata: &headerv1.Metadata{Name: r.setup.Teleport.BotName}, Spec: &machineidv1.BotSpec{Roles: r.setup.BotRoles()},
	}, nil
}

// evident is the proof that the evidence stands for.
func (r *initRun) evident(ctx context.Context, live *checks.Live) (*proof.Result, error) {
	n := r.setup.Names()
	found := &proof.Result{
		Outcome: proof.Outcome{User: "bot-" + n.Bot, Via: report.ViaEvidence},
		From:    fmt.Sprintf("Deployment %s/%s, which is ready", n.Namespace, n.Deployment),
	}
	config := tbotconfig.Own(r.setup)
	for i, secret := range config.Secrets() {
		output, err := live.Output(ctx, n.Namespace, secret)
		if err != nil {
			return nil, err
		}
		if output == nil || output.Certificate == nil {
			return nil, fmt.Errorf("there is no certificate in Secret %s/%s", n.Namespace, secret)
		}
		certificate := output.Certificate
		if found.NotAfter.IsZero() || certificate.NotAfter.Before(found.NotAfter) {
			found.NotAfter = certificate.NotAfter
		}
		found.From += fmt.Sprintf(", and its certificate in Secret %s/%s", n.Namespace, secret)
		found.Outputs = append(found.Outputs, proof.Output{
			Name: config.NameOf(i), Type: config.Outputs[i].Shared().Type, Destination: "Secret " + secret,
			Roles: certificate.Subject.Organization, NotAfter: certificate.NotAfter,
		})
	}
	if err := r.evidentSecrets(ctx, live, found); err != nil {
		return nil, err
	}
	return found, nil
}
