package checks

import (
	"slices"
	"strings"
)

// Explanation is what a check says of itself beyond its finding: for `tbotctl explain` and docs/checks.md.
type Explanation struct {
	ID ID
	// Looks is what is looked at and compared, Why what hangs on it, Mend how it is put right; sentences.
	Looks, Why, Mend string
	// Shows are exact parts of what tbot, Teleport or Kubernetes say where the check fails, for whoever searches for them.
	Shows []string
	// Since says from which versions on the rule holds; empty is every version that tbotctl knows.
	Since string
	// Problems are known failures (field-notes 1) that the check has to do with beside those that it declares itself.
	Problems []string
}

// Explained is a check of the catalogue with its explanation.
type Explained struct {
	Check       Check
	Explanation Explanation
}

// Problems are all known failures that the check has to do with, P01 and on.
func (e Explained) Problems() []string {
	all := slices.Concat(e.Check.Problems, e.Explanation.Problems)
	slices.Sort(all)
	return slices.Compact(all)
}

// Explain returns the checks of the catalogue with their explanations, in its order.
func Explain() []Explained { return explained(Catalogue()) }

func explained(catalogue []Check) []Explained {
	texts := map[ID]Explanation{}
	for _, e := range explanations() {
		texts[e.ID] = e
	}
	all := make([]Explained, len(catalogue))
	for i, check := range catalogue {
		all[i] = Explained{check, texts[check.ID]}
	}
	return all
}

// explanations are the texts of all categories.
func explanations() []Explanation {
	return slices.Concat(
		explainLocal(), explainKubernetes(), explainIssuer(), explainTeleport(), explainToken(), explainWorkload(), explainUpgrade(),
		explainPermissions(), explainOutput(), explainJoin(), explainTargets(),
	)
}

// pagesURL is where docs/checks.md is read.
const pagesURL = "https://github.com/tbotctl/tbotctl/blob/main/docs/checks.md"

// DocsURL leads to a check's explanation.
func DocsURL(id ID) string { return pagesURL + "#" + strings.ToLower(string(id)) }
