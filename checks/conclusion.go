package checks

import (
	"slices"
	"time"
)

// Conclusion is what a run's results come to: the cause, and what follows from it.
type Conclusion struct {
	// Root is the failure that everything else may follow from; nil where nothing failed. Causes are all failures that are no
	// symptoms, Root first.
	Root   *Result
	Causes []Result
	// Follows are the failures that are symptoms of Root, and what was skipped because of it.
	Follows []ID
	// Since is when it began, zero where nothing tells.
	Since time.Time
	// Impact says in sentences what ends when and who uses it.
	Impact []string
}

// Conclude finds the root cause: the first failure in the order of the catalogue that is no symptom, for the catalogue goes from the
// ground up; and where only symptoms failed, the last of them, which is nearest to what Teleport itself said.
func Conclude(results []Result) Conclusion {
	var d Conclusion
	var symptoms []Result
	for _, result := range results {
		switch {
		case result.Finding.Status != Fail:
		case result.Check.Symptom:
			symptoms = append(symptoms, result)
		default:
			d.Causes = append(d.Causes, result)
		}
	}
	switch {
	case len(d.Causes) > 0:
		d.Root = &d.Causes[0]
	case len(symptoms) > 0:
		d.Root = &symptoms[len(symptoms)-1]
	default:
		return d
	}
	// A need may stand anywhere in the catalogue, so the waiting spread until nothing is added.
	waits := map[ID]bool{d.Root.Check.ID: true}
	for spread := true; spread; {
		spread = false
		for _, result := range results {
			waited := result.Finding.Status == Skip && slices.ContainsFunc(result.Check.Needs, func(id ID) bool { return waits[id] })
			if !waits[result.Check.ID] && (waited || result.Finding.Status == Fail && result.Check.Symptom) {
				waits[result.Check.ID], spread = true, true
			}
		}
	}
	for _, result := range results {
		if waits[result.Check.ID] && result.Check.ID != d.Root.Check.ID {
			d.Follows = append(d.Follows, result.Check.ID)
		}
	}
	return d
}
