package cmd

import (
	"context"
	"fmt"
	"time"

	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// makersPatience bounds the look at RBAC: the plan waits for it.
const makersPatience = 20 * time.Second

// podMakers are those, beside administrators, who may become a service account of a namespace, each with what gives it that.
func (c *clusters) podMakers(ctx context.Context, s spec.Setup) ([]string, error) {
	found, err := c.kube.PodMakers(ctx, s.Kubernetes.Namespace, s.Names().ServiceAccount)
	makers := make([]string, len(found))
	for i, subject := range found {
		makers[i] = subject.String() + " (" + subject.By[0] + ")"
	}
	return makers, err
}

// lookAtMakers begins to find out who else may become the bot, beside the comparison; the returned function waits for it and says so in
// one line. A namespace that is still to be made is nobody's, and the wizard has asked already.
func (s *session) lookAtMakers(ctx context.Context) func() {
	if !s.wantsMakers || s.setup.Kubernetes.CreateNamespace || !s.setup.Side.HasKubernetes() {
		return func() {}
	}
	found := begin(func() ([]string, error) {
		ctx, cancel := context.WithTimeout(ctx, makersPatience)
		defer cancel()
		return s.clusters.podMakers(ctx, s.setup)
	})
	return func() { s.sayMakers(found()) }
}

func (s *session) sayMakers(makers []string, err error) {
	who := "the bot"
	if s.setup.IsAgent() {
		who = "the agent"
	}
	creates := "may create pods or service account tokens in namespace " + s.setup.Kubernetes.Namespace
	power := creates + ", and so may become " + who
	switch {
	case err != nil:
		s.progress.Say(fmt.Sprintf("Who holds the stock role edit there, or more, %s; who that is could not be looked at: %v.", power, err))
	case len(makers) == 0:
		s.progress.Say("Beside administrators nobody " + creates + ", and so nobody else can become " + who + ".")
	default:
		s.progress.Say(fmt.Sprintf("Beside administrators these %s: %s.", power, ui.Named(makers)))
	}
}

// sayElse says who else may become the bot, where the plan changes anything.
func (s *session) sayElse(planned plan.Plan) {
	if s.sayMakersFound != nil && planned.Changed() {
		s.sayMakersFound()
	}
}
