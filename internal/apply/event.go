package apply

import "time"

// State is where a step stands.
type State string

// The states of a step. Waiting may come many times, with another detail.
const (
	Started State = "started"
	Waiting State = "waiting"
	Done    State = "done"
	Failed  State = "failed"
)

// Event tells an observer of one step: a resource, the proof, the rollout.
type Event struct {
	// Step names it for people: "ServiceAccount machines/tbot", "join", "rollout".
	Step  string
	State State
	// Detail says what came of it, or what is waited for.
	Detail  string
	Elapsed time.Duration
}

// Observer is told of every event, in order, from one goroutine.
type Observer func(Event)
