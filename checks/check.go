// Package checks holds the catalogue of what can be wrong between a Kubernetes cluster, a Teleport cluster and a tbot, and
// the runner that looks. A check fetches by the facts that it is given and judges by a pure function; it prints nothing,
// and dials nobody itself.
package checks

import (
	"context"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// ID is a check's stable name: TBC and three digits, the first of which is the category.
type ID string

// Category groups checks for people, in the order of a diagnosis.
type Category string

// The categories that have checks so far.
const (
	CategoryLocal       Category = "local"
	CategoryKubernetes  Category = "kubernetes"
	CategoryIssuer      Category = "issuer"
	CategoryTeleport    Category = "teleport"
	CategoryToken       Category = "token"
	CategoryWorkload    Category = "workload"
	CategoryPermissions Category = "permissions"
	CategoryOutput      Category = "output"
	CategoryJoin        Category = "join"
	CategoryAudit       Category = "audit"
)

// Status is what a check found.
type Status string

// The statuses. Unknown means that the look itself was impossible (forbidden, time-out): it is never green.
const (
	Pass    Status = "pass"
	Warn    Status = "warn"
	Fail    Status = "fail"
	Skip    Status = "skip"
	Unknown Status = "unknown"
)

// Stage says when a check makes sense.
type Stage int

// Before guards the door of init; After looks at what init made; Diagnosis looks at a setup that lives, whoever made it.
const (
	Before Stage = iota
	After
	Diagnosis
)

// Finding is what one look gave.
type Finding struct {
	Status Status
	// Observed and Expected are the two values side by side; Expected may be empty where the title says it.
	Observed, Expected string
	// Fix is what mends it, a command wherever there is one.
	Fix string
	// Err is the cause of a Fail or Unknown, for whoever maps it to an exit code.
	Err error
}

// Check is one declared look. Title is its passing state.
type Check struct {
	ID       ID
	Category Category
	Title    string
	Stage    Stage
	// Needs are the checks that must not have failed before this one makes sense.
	Needs []ID
	// For says for which setups it arises at all; nil means for each.
	For func(spec.Setup) bool
	// Symptom tells that a failure shows that something is wrong, and not what: it is no root cause where another check fails.
	Symptom bool
	// Problems are the known failures that the check finds, P01 and on (field-notes 1).
	Problems []string
	// ProvedBy is a later check whose passing shows the same thing, so that an Unknown of this one is settled.
	ProvedBy ID
	// Timeout is for one run; zero means DefaultTimeout.
	Timeout time.Duration
	Run     func(ctx context.Context, facts *Facts) Finding
}

// Arises reports whether the check is about anything that a setup has.
func (c Check) Arises(s spec.Setup) bool { return c.For == nil || c.For(s) }

// DefaultTimeout bounds a check that does not say otherwise.
const DefaultTimeout = 20 * time.Second

// Result is one check with its finding; every selected check has exactly one.
type Result struct {
	Check    Check
	Finding  Finding
	Duration time.Duration
}

func passed(observed string) Finding { return Finding{Status: Pass, Observed: observed} }

func unknown(err error) Finding {
	return Finding{Status: Unknown, Observed: err.Error(), Err: err}
}

func failed(err error, fix string) Finding {
	return Finding{Status: Fail, Observed: err.Error(), Fix: fix, Err: err}
}
