package checks

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Run is Stream with the results told in the order of the catalogue, each as soon as those before it are known: for a log that
// reads the same each time.
func Run(ctx context.Context, selected []Check, facts *Facts, observe func(Result)) []Result {
	known, told := map[ID]Result{}, 0
	return Stream(ctx, selected, facts, func(result Result) {
		known[result.Check.ID] = result
		for ; told < len(selected); told++ {
			next, ended := known[selected[told].ID]
			if !ended {
				return
			}
			observe(next)
		}
	})
}

// Stream runs the checks, those that do not need each other side by side, and tells observe of each result as it is known, from one
// goroutine. The results are in the order of the catalogue. A check whose need failed, or is unknown, is skipped with the
// reason. A context that has ended makes the rest unknown.
func Stream(ctx context.Context, selected []Check, facts *Facts, observe func(Result)) []Result {
	finished := make(chan indexed)
	index := make(map[ID]int, len(selected))
	for i, check := range selected {
		index[check.ID] = i
	}
	results := make([]Result, len(selected))
	state := make([]progress, len(selected))
	running, left := 0, len(selected)
	settle := func(i int, result Result) {
		results[i], state[i] = result, ended
		left--
		observe(result)
	}
	for left > 0 {
		moved := false
		for i, check := range selected {
			if state[i] != waiting {
				continue
			}
			switch ready, reason := needs(check, index, state, results); {
			case reason != "":
				settle(i, Result{Check: check, Finding: Finding{Status: Skip, Observed: reason}})
				moved = true
			case ready:
				state[i] = started
				running++
				moved = true
				go func() { finished <- indexed{i, look(ctx, check, facts)} }()
			}
		}
		switch {
		case moved:
		case running == 0:
			// Needs that form a ring are a mistake in the catalogue; a test holds that there is none.
			for i, check := range selected {
				if state[i] == waiting {
					settle(i, Result{Check: check, Finding: unknown(errors.New("its needs wait for each other"))})
				}
			}
		default:
			done := <-finished
			running--
			settle(done.index, done.result)
		}
	}
	return results
}

type progress int

const (
	waiting progress = iota
	started
	ended
)

type indexed struct {
	index  int
	result Result
}

// needs reports whether a check can run now, or why it never will. A need that was not selected does not stand in the way.
func needs(check Check, index map[ID]int, state []progress, results []Result) (ready bool, reason string) {
	ready = true
	for _, id := range check.Needs {
		i, selected := index[id]
		switch {
		case !selected:
		case state[i] != ended:
			ready = false
		case results[i].Finding.Status == Fail, results[i].Finding.Status == Skip, results[i].Finding.Status == Unknown:
			return false, fmt.Sprintf("needs %s, which is %s", id, results[i].Finding.Status)
		}
	}
	return ready, ""
}

func look(ctx context.Context, check Check, facts *Facts) Result {
	if err := ctx.Err(); err != nil {
		return Result{Check: check, Finding: unknown(err)}
	}
	timeout := check.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	own, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	start := time.Now()
	finding := check.Run(own, facts)
	switch err := ctx.Err(); {
	case finding.Status == "":
		finding = unknown(errors.New("the check gave no finding"))
	case err != nil && finding.Err != nil:
		// The run was ended, not what it looked at.
		finding = unknown(finding.Err)
	}
	return Result{Check: check, Finding: finding, Duration: time.Since(start)}
}

// Settle turns the unknowns that a later passing check has shown otherwise into skips that name it.
func Settle(results []Result) []Result {
	shown := map[ID]bool{}
	for _, r := range results {
		shown[r.Check.ID] = r.Finding.Status == Pass
	}
	settled := make([]Result, len(results))
	for i, r := range results {
		if by := r.Check.ProvedBy; r.Finding.Status == Unknown && by != "" && shown[by] {
			r.Finding = Finding{Status: Skip, Observed: fmt.Sprintf("proved by %s (%s)", by, r.Finding.Observed)}
		}
		settled[i] = r
	}
	return settled
}

// Select returns the checks of a stage in the order of the catalogue.
func Select(catalogue []Check, stage Stage) []Check {
	var selected []Check
	for _, check := range catalogue {
		if check.Stage == stage {
			selected = append(selected, check)
		}
	}
	return selected
}
