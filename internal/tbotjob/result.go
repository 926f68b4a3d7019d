package tbotjob

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/tbotlog"
)

// What is what only a pod can show.
type What string

// All that is told of, in the order in which a pod gets there.
const (
	// Admission is whether the cluster's policies take the pod.
	Admission What = "admission"
	// Scheduling is whether there is a node for it.
	Scheduling What = "scheduling"
	// Image is whether the node gets it.
	Image What = "image"
	// Start is whether its containers begin: volumes, ConfigMaps, the command.
	Start What = "start"
	// Egress is whether it reaches Teleport from where it runs.
	Egress What = "egress"
	// Memory is whether its limit is enough for one run.
	Memory What = "memory"
	// Join is whether Teleport lets it in.
	Join What = "join"
	// Outputs is whether tbot could generate and write them.
	Outputs What = "outputs"
)

// Shown is one thing that the pod has shown: that it works where both fields are empty.
type Shown struct {
	What What
	// Err is why it does not work, Untested why nobody knows.
	Err      error
	Untested string
}

// Failed is what speaks against the pod, in the words of whoever said it.
type Failed struct {
	What  What
	Words string
}

func (f *Failed) Error() string { return string(f.What) + ": " + f.Words }

// Result is what was seen of one run.
type Result struct {
	// Name is the Job's, Pod and Node where it ran; empty where it did not come to that.
	Name, Pod, Node string
	// ImageID is what the image was on that node, with its digest.
	ImageID string
	// Account is what tbot said.
	Account tbotlog.Account
	// Shown has one entry for each What from Admission to Outputs, in that order.
	Shown []Shown
	// Ended says that tbot came to its end, with Code.
	Ended bool
	Code  int32
}

// failure is the first thing that went wrong, with all that tbot said of its outputs.
func (r Result) failure() error {
	var failed []error
	for _, shown := range r.Shown {
		if shown.Err != nil {
			failed = append(failed, shown.Err)
		}
	}
	return errors.Join(failed...)
}

// course is how far the pod came.
type course struct {
	// passed counts the steps of [steps] that the pod has behind it.
	passed int
	// stuck is why it did not get further; nil where nothing held it.
	stuck *Failed
	// oom says that tbot was killed for want of memory, late that it did not end in time; both in words.
	oom, late string
}

// steps are those before tbot runs.
func steps() []What { return []What{Admission, Scheduling, Image, Start} }

// show judges what was seen, from the ground up: what lies above the first failure was not tested.
func (r *Result) show(c course) {
	for i, what := range steps() {
		shown := Shown{What: what}
		switch {
		case c.stuck != nil && c.stuck.What == what:
			shown.Err = c.stuck
		case i >= c.passed:
			shown.Untested = "the pod did not come that far"
		}
		r.Shown = append(r.Shown, shown)
	}
	r.Shown = append(r.Shown, r.egress(), r.memory(c), r.join(c), r.outputs(c))
}

const notRun = "tbot did not run to its end"

func (r Result) egress() Shown {
	shown := Shown{What: Egress}
	switch {
	case r.Account.Joined, answered(r.Account.JoinErr):
	case unreached(r.Account.JoinErr):
		shown.Err = &Failed{What: Egress, Words: r.Account.JoinErr}
	default:
		shown.Untested = "tbot's log tells of no answer from Teleport"
	}
	return shown
}

func (r Result) memory(c course) Shown {
	shown := Shown{What: Memory}
	switch {
	case c.oom != "":
		shown.Err = &Failed{What: Memory, Words: c.oom}
	case !r.Ended:
		shown.Untested = notRun
	}
	return shown
}

func (r Result) join(c course) Shown {
	shown := Shown{What: Join}
	switch {
	case r.Account.Joined, r.Ended && r.Code == 0:
	case unreached(r.Account.JoinErr):
		shown.Untested = "Teleport was not reached"
	case r.Account.JoinErr != "":
		shown.Err = &Failed{What: Join, Words: r.Account.JoinErr}
	case c.oom != "":
		shown.Untested = notRun
	case c.late != "":
		shown.Err = &Failed{What: Join, Words: c.late}
	case r.Ended:
		shown.Err = &Failed{What: Join, Words: fmt.Sprintf("tbot ended with code %d and did not say why", r.Code)}
	default:
		shown.Untested = notRun
	}
	return shown
}

// outputs goes by the exit code before the log: a one-shot tbot ends with 0 when it has written all of them, and with nothing else.
func (r Result) outputs(c course) Shown {
	shown := Shown{What: Outputs}
	var said []string
	for _, output := range r.Account.Outputs {
		if output.Err != "" {
			said = append(said, strings.TrimPrefix(output.Name+": "+output.Err, ": "))
		}
	}
	if r.Account.Joined && r.Account.Err != "" {
		said = append(said, r.Account.Err)
	}
	switch {
	case r.Ended && r.Code == 0:
	case !r.Account.Joined:
		shown.Untested = "tbot did not join"
	case len(said) > 0:
		shown.Err = &Failed{What: Outputs, Words: strings.Join(said, "; ")}
	case c.oom != "":
		shown.Untested = notRun
	case c.late != "":
		shown.Err = &Failed{What: Outputs, Words: c.late}
	case r.Ended:
		shown.Err = &Failed{What: Outputs, Words: fmt.Sprintf("tbot joined, ended with code %d and did not say why", r.Code)}
	default:
		shown.Untested = notRun
	}
	return shown
}

// unreached knows the words of Go's dialler and of a proxy on the way for a Teleport that nobody got through to.
func unreached(text string) bool {
	return has(text, "dial tcp", "no such host", "i/o timeout", "connection refused", "connection reset", "network is unreachable", "no route to host",
		"context deadline exceeded", "TLS handshake timeout", "proxyconnect", "server misbehaving")
}

// answered knows the words of a Teleport that was reached and said no (teleport-facts 3).
func answered(text string) bool {
	return has(text, "access denied", "can not join the cluster", "kubernetes token", "joining requires", "token is only valid",
		"client version is unsupported", "unsupported join method")
}

func has(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}
