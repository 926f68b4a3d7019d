package checks

import (
	"slices"
	"time"
)

// DefaultMaxAge is how old evidence may be where nobody says: one renewal of tbot's default of 20 minutes, with half of one to spare.
const DefaultMaxAge = 30 * time.Minute

// Evidence are the checks by which a setup that lives shows that it works without anything being made, minted or written for it, and
// without a look at its join token: they take no more than reads, and hold what they see to Live.MaxAge.
func Evidence() []Check {
	ids := []ID{ConfigReads, WorkloadReady, ReadyzHealthy, OutputValid, OutputRecent, InstanceRecent}
	return slices.DeleteFunc(Catalogue(), func(check Check) bool { return !slices.Contains(ids, check.ID) })
}

// EvidenceAtTeleport are those that Teleport alone shows: when it let the service account in last. The audit log stands in where a server
// keeps no instances.
func EvidenceAtTeleport() []Check {
	ids := []ID{LastJoin, InstanceRecent}
	return slices.DeleteFunc(Catalogue(), func(check Check) bool { return !slices.Contains(ids, check.ID) })
}

// withoutMaxAge is why a check of evidence says nothing in other runs.
const withoutMaxAge = "no age is asked for (tbotctl verify --evidence does)"

// NotHere is the error of a fact that a run cannot have and need not have: what hangs on it is left out with the reason, and is not
// unknown.
type NotHere struct{ Why string }

func (e *NotHere) Error() string { return e.Why }

// FairAge is a MaxAge that the workload's tbot can keep: the default, or two turns of the output that is renewed least often.
func (w Workload) FairAge() time.Duration {
	fair := DefaultMaxAge
	for _, output := range w.Config.Outputs {
		fair = max(fair, 2*w.interval(output))
	}
	return fair
}
