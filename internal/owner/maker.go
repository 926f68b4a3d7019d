package owner

import "github.com/tbotctl/tbotctl/internal/spec"

// Maker says in words who made a resource, by its mark (spec.MarkInstall); empty where it is the installation that asks.
func Maker(mark, install string) string {
	switch mark {
	case install:
		return ""
	case "":
		return "not made by tbotctl"
	}
	return "made by tbotctl for " + spec.Quote(mark)
}
