package wizard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// asksTargets tells whether there is a binding that this run could make.
func (w *Wizard) asksTargets() bool {
	return w.answers.Setup.MakesRole() && !w.answers.NoTeleport && w.answers.OutDir == ""
}

// askTargets has the contexts marked in whose clusters tbotctl makes the binding; none is as good an answer. Which of Teleport's clusters
// a context leads to cannot be told, so each stands with its address, and nothing is marked for anybody.
func (w *Wizard) askTargets(ctx context.Context) error {
	contexts, err := w.Kubernetes.Contexts()
	if err != nil {
		return err
	}
	w.Speaker.Say(fmt.Sprintf("ClusterRole %s has to be bound in each cluster that the bot reaches%s.", w.answers.Setup.Reach.BoundRole(), w.matchedNow()))
	probing, stop := context.WithCancel(ctx)
	defer stop()
	field := w.field(FlagTargetContext, prompt.Many)
	field.Values = w.answers.Setup.Reach.Contexts
	choices := func() []prompt.Choice { return w.targetChoices(contexts) }
	field.Choices, field.Updates = choices(), w.probe(probing, contexts, choices)
	fields, err := w.ask(ctx, field)
	// Also on the way back: what was chosen is kept.
	return errors.Join(err, w.set(FlagTargetContext, strings.Join(fields[0].Values, ",")))
}

// matchedNow names the clusters that are meant, where they could be listed.
func (w *Wizard) matchedNow() string {
	reach := w.answers.Setup.Reach
	matched := slices.DeleteFunc(slices.Clone(w.clusters), func(c spec.ResolvedCluster) bool { return !reach.Matches(c) })
	if len(matched) == 0 {
		return ""
	}
	return ": " + named(matched)
}

// targetChoices are the contexts with their API servers, and what is known of them.
func (w *Wizard) targetChoices(contexts []Context) []prompt.Choice {
	offered := make([]prompt.Choice, len(contexts))
	for i, c := range contexts {
		offered[i] = prompt.Choice{Value: c.Name, Label: c.Name, Note: c.Server}
		if c.Name == w.answers.Setup.Kubernetes.Context {
			offered[i].Note += ", where tbot runs"
		}
		switch reach, known := w.reached.of(c.Name); {
		case strings.Contains(c.Name, ","):
			offered[i].Refused = "its name holds a comma, which separates contexts"
		case !known:
		case reach.Problem != "":
			offered[i].Refused = strings.Join(nonEmpty(reach.Problem, reach.Fix), "; ")
		case reach.User != "":
			offered[i].Note += ", as " + reach.User
		}
	}
	return offered
}
