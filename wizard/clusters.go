package wizard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/prompt"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// The ways to say which clusters are meant.
const (
	byName   = "names"
	byLabels = "labels"
	byBoth   = "both"
)

// askClusters has the clusters picked that the bot reaches: by name, by labels, or by both.
func (w *Wizard) askClusters(ctx context.Context) error {
	if err := w.listClusters(ctx); err != nil {
		return err
	}
	field := w.field(FlagKubeCluster, prompt.One)
	field.Title, field.Validate, field.Choices = "How are the clusters picked?", nil, w.picks()
	switch reach := w.answers.Setup.Reach; {
	case len(reach.Clusters) > 0 && len(reach.Labels) > 0:
		field.Value = byBoth
	case len(reach.Clusters) > 0:
		field.Value = byName
	case len(reach.Labels) > 0:
		field.Value = byLabels
	default:
		field.Value = field.Choices[0].Value
	}
	for {
		fields, err := w.ask(ctx, field)
		if err != nil {
			return err
		}
		field.Value = fields[0].Value
		if err := w.pick(ctx, field.Value); !errors.Is(err, prompt.ErrBack) {
			return err
		}
	}
}

// picks offers the ways. Without a list there is nobody to tell the labels that a role needs, so labels come first.
func (w *Wizard) picks() []prompt.Choice {
	name := prompt.Choice{Value: byName, Label: "by name", Note: fmt.Sprintf("of the %d that are enrolled; the least", len(w.clusters))}
	label := prompt.Choice{Value: byLabels, Label: "by labels", Note: "also those that carry them on a later day"}
	all := prompt.Choice{Value: byBoth, Label: "both", Note: "some by name, and all that carry labels"}
	if w.clusters != nil {
		return []prompt.Choice{name, label, all}
	}
	name.Note = "with Teleport roles that are there: tbotctl's own would need the clusters' labels"
	return []prompt.Choice{label, name, all}
}

// pick asks in one of the ways; what another way has given before is dropped at its end, and so is what was once looked up for it.
func (w *Wizard) pick(ctx context.Context, way string) error {
	if held := w.answers.Setup.Resolved; held != nil {
		renewed := *held
		renewed.KubeClusters = nil
		w.answers.Setup.Resolved = &renewed
	}
	if way != byLabels {
		if err := w.pickByName(ctx); err != nil {
			return err
		}
	}
	if way == byName {
		w.answers.Setup.Reach.Labels = nil
		return nil
	}
	if err := w.pickByLabels(ctx, way == byBoth); err != nil {
		return err
	}
	if way == byLabels {
		w.answers.Setup.Reach.Clusters = nil
	}
	return nil
}

func (w *Wizard) pickByName(ctx context.Context) error {
	needed := required("choose at least one cluster")
	field := w.field(FlagKubeCluster, prompt.Text)
	field.Title += " (names separated by commas)"
	if w.clusters != nil {
		field = w.field(FlagKubeCluster, prompt.Many)
		for _, cluster := range w.clusters {
			field.Choices = append(field.Choices, prompt.Choice{Value: cluster.Name, Label: cluster.Name, Note: cmp.Or(labelsOf(cluster), noLabels)})
		}
		for _, name := range w.answers.Setup.Reach.Clusters {
			if w.cluster(name) == nil {
				w.Speaker.Warn(ui.Clean(name) + " is not among the clusters that this login sees in Teleport, and cannot be chosen.")
				continue
			}
			field.Values = append(field.Values, name)
		}
	}
	field.Validate = both(needed, field.Validate)
	fields, err := w.askWithin(ctx, field)
	if err != nil {
		return err
	}
	if fields[0].Kind == prompt.Many {
		fields[0].Value = strings.Join(fields[0].Values, ",")
	}
	return w.set(FlagKubeCluster, fields[0].Value)
}

// pickByLabels shows what the labels match before it goes on with them. A selector that matches nothing is no way on: tbot would only
// log it (field-notes P27).
func (w *Wizard) pickByLabels(ctx context.Context, beside bool) error {
	field := w.field(FlagKubeLabels, prompt.Text)
	field.Title += " (key=value, several with commas)"
	field.Validate = both(required("give labels, for example env=prod"), both(field.Validate, w.matchesSome))
	for {
		fields, err := w.askWithin(ctx, field)
		if err != nil {
			return err
		}
		field.Value = fields[0].Value
		if err := w.set(FlagKubeLabels, field.Value); err != nil {
			return err
		}
		if w.clusters == nil {
			return nil
		}
		if err := w.confirmMatches(ctx, beside); !errors.Is(err, prompt.ErrBack) {
			return err
		}
	}
}

// confirmMatches shows which clusters are meant; ErrBack asks for other labels.
func (w *Wizard) confirmMatches(ctx context.Context, beside bool) error {
	reach, what := w.answers.Setup.Reach, "The labels match"
	if beside {
		what = "Names and labels together are"
	} else {
		reach.Clusters = nil
	}
	matched := slices.DeleteFunc(slices.Clone(w.clusters), func(c spec.ResolvedCluster) bool { return !reach.Matches(c) })
	w.Speaker.Say(fmt.Sprintf("%s %d of %d clusters: %s.", what, len(matched), len(w.clusters), named(matched)))
	fields, err := w.askWithin(ctx, prompt.Field{
		Key: FlagKubeLabels, Kind: prompt.One, Title: "Are these the clusters?", Help: question(FlagKubeLabels).Explain, Value: "on",
		Choices: []prompt.Choice{{Value: "on", Label: "Yes, go on"}, {Value: "other", Label: "No, other labels"}},
	})
	if err == nil && fields[0].Value != "on" {
		return prompt.ErrBack
	}
	return err
}

// matchesSome refuses labels that no cluster carries, and says which there are.
func (w *Wizard) matchesSome(text string) error {
	if w.clusters == nil {
		return nil
	}
	trial := w.answers.Setup
	if err := specField(FlagKubeLabels).Set(&trial, text); err != nil {
		return err
	}
	for _, labels := range trial.Reach.Labels {
		if !slices.ContainsFunc(w.clusters, func(c spec.ResolvedCluster) bool { return c.Carries(labels) }) {
			return fmt.Errorf("no cluster carries %s; there are %s", labelsOf(spec.ResolvedCluster{Labels: labels}), described(w.clusters))
		}
	}
	return nil
}

// listClusters looks which clusters there are. Where that is not to be had they are typed; where there are none, nothing can be picked.
func (w *Wizard) listClusters(ctx context.Context) error {
	for {
		err := w.lookAtClusters(ctx)
		switch {
		case err != nil || w.clusters == nil:
			return err
		case len(w.clusters) > 0:
			w.Speaker.Say("Enrolled in Teleport, as far as this login sees: " + described(w.clusters) + ".")
			return nil
		}
		if err := w.noClusters(ctx); err != nil {
			return err
		}
	}
}

// lookAtClusters says why there is no list where there is none.
func (w *Wizard) lookAtClusters(ctx context.Context) error {
	w.clusters = nil
	if w.answers.NoTeleport {
		w.Speaker.Say("Without a login the clusters cannot be listed; ask whoever does the Teleport side for their labels.")
		return nil
	}
	err := w.work(ctx, "Listing the Kubernetes clusters that are enrolled in Teleport, for up to 20 s", func(ctx context.Context) error {
		found, err := w.Teleport.KubeClusters(ctx)
		if err == nil {
			// None is another answer than no list.
			w.clusters = append([]spec.ResolvedCluster{}, found...)
		}
		return err
	})
	if err == nil || errors.Is(err, prompt.ErrCancelled) {
		return err
	}
	w.Speaker.Warn("the Kubernetes clusters that are enrolled could not be listed: " + err.Error())
	return nil
}

// noClusters offers what can be done where there is nothing to reach; nil is to look again.
func (w *Wizard) noClusters(ctx context.Context) error {
	w.Speaker.Warn("this login sees no Kubernetes cluster in Teleport: either none is enrolled, or no role of yours reaches one. `tsh kube ls` shows the same.")
	way, err := w.menu(ctx, Question{Flag: FlagKubeCluster, Title: "There is no cluster to reach. What now?", Explain: question(FlagKubeCluster).Explain},
		prompt.Choice{Value: "again", Label: "Look again", Note: "once a cluster is enrolled"},
		prompt.Choice{Value: FlagAccess, Label: "Change: " + question(FlagAccess).Title})
	if err == nil && way == FlagAccess {
		return &jump{FlagAccess}
	}
	return err
}

// cluster finds one that is listed; nil where it is not.
func (w *Wizard) cluster(name string) *spec.ResolvedCluster {
	if at := slices.IndexFunc(w.clusters, func(c spec.ResolvedCluster) bool { return c.Name == name }); at >= 0 {
		return &w.clusters[at]
	}
	return nil
}

// noLabels is what becomes of a cluster that a role cannot tell from others.
const noLabels = "no label: for Teleport roles that are there alone"

// labelsOf writes labels as they are typed, for people.
func labelsOf(cluster spec.ResolvedCluster) string {
	pairs := make([]string, 0, len(cluster.Labels))
	for key, value := range cluster.Labels {
		pairs = append(pairs, key+"="+value)
	}
	slices.Sort(pairs)
	return ui.Clean(strings.Join(pairs, ", "))
}

// mostClusters is how many are named in a sentence.
const mostClusters = 10

func named(clusters []spec.ResolvedCluster) string {
	return listing(clusters, func(c spec.ResolvedCluster) string { return ui.Clean(c.Name) })
}

func described(clusters []spec.ResolvedCluster) string {
	return listing(clusters, func(c spec.ResolvedCluster) string {
		return ui.Clean(c.Name) + " (" + cmp.Or(labelsOf(c), "no label") + ")"
	})
}

func listing(clusters []spec.ResolvedCluster, words func(spec.ResolvedCluster) string) string {
	var said []string
	for _, cluster := range clusters[:min(len(clusters), mostClusters)] {
		said = append(said, words(cluster))
	}
	if more := len(clusters) - mostClusters; more > 0 {
		said = append(said, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(said, "; ")
}
