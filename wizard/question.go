// Package wizard leads a person from nothing to a proven setup: the questions as data, the pages in their order, and the way back.
// It asks, shows and calls; what is decided is decided by the rooms that it stands on. It dials nobody: whoever starts it hands
// it the looks and the deeds.
package wizard

import (
	"slices"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Question is one thing that a person may decide, where nothing else told it.
type Question struct {
	// Flag gives the answer instead; every question has one.
	Flag string
	// Title is what is asked, Help in half a line what the answer looks like or is good for.
	Title, Help string
	// AgentTitle is asked where an agent is deployed; empty is Title.
	AgentTitle string
	// Explain is what `?` shows: paragraphs, separated by empty lines.
	Explain string
	// Optional tells that there is a default, so that without a terminal nothing is missing.
	Optional bool
	// Instead are other flags of which each is as good an answer.
	Instead []string
	// When says whether the question arises where nobody can be asked; nil means always.
	When func(spec.Setup, Situation) bool
}

// Situation is what the run knows of itself that is no answer.
type Situation struct {
	// Terminal tells that a person can be asked, so that what happens to be current may stand in.
	Terminal bool
	// InPod tells that the pod's own service account can stand in for a context.
	InPod bool
	// Offline tells that no cluster is asked, so that nothing can be looked up.
	Offline bool
}

// Missing returns the questions that need an answer and have none.
func Missing(s spec.Setup, at Situation) []Question {
	fields := map[string]spec.Field{}
	for _, field := range spec.Fields() {
		fields[field.Flag] = field
	}
	var missing []Question
	for _, question := range Questions() {
		if question.Optional || question.When != nil && !question.When(s, at) {
			continue
		}
		answered := slices.ContainsFunc(question.flags(), func(flag string) bool {
			answer := fields[flag].Get(s)
			return answer != "" && (flag != FlagJoinType || answer != string(spec.JoinAuto))
		})
		if !answered {
			missing = append(missing, question)
		}
	}
	return missing
}

// flags are all that answer the question.
func (q Question) flags() []string { return append([]string{q.Flag}, q.Instead...) }

func offline(_ spec.Setup, at Situation) bool { return at.Offline }

// question finds a question by its flag.
func question(flag string) Question {
	for _, q := range Questions() {
		if q.Flag == flag {
			return q
		}
	}
	return Question{Flag: flag}
}
