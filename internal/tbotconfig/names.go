package tbotconfig

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// unfit is what a name may not hold (teleport-facts 6.1).
var unfit = regexp.MustCompile(`[^a-z0-9_+-]`)

// reservedNames are the names of tbot's own services (teleport-facts 6.1).
func reservedNames() []string {
	return []string{"ca-rotation", "crl-cache", "heartbeat", "identity", "spiffe-trust-bundle-cache"}
}

// NameOf is the name of the i-th of Outputs in tbot's logs and under /readyz since 17.5.4: the one that is given, or `<type>-<n>`, where n
// counts the outputs of that type from 1, the named ones too and those under `services` first, and what a name may not hold becomes a
// dash (Teleport, lib/tbot/config/naming.go and config.go). It is empty where there is no i-th output.
func (c Config) NameOf(i int) string {
	if i < 0 || i >= len(c.Outputs) {
		return ""
	}
	return c.names()[i]
}

func (c Config) names() []string {
	count := map[string]int{}
	name := func(outputs []Output) (names []string) {
		for _, output := range outputs {
			own := output.Shared()
			count[own.Type]++
			if own.Name != "" {
				names = append(names, own.Name)
				continue
			}
			names = append(names, fmt.Sprintf("%s-%d", unfit.ReplaceAllString(own.Type, "-"), count[own.Type]))
		}
		return names
	}
	outputs, services := c.split()
	first := name(services)
	return append(name(outputs), first...)
}

// judgeNames refuses what tbot cannot call its services by. A name that was given can also be one that another output gets by its number.
func (c Config) judgeNames(at func(int) place) {
	used := map[string]bool{}
	for i, name := range c.names() {
		here := at(i)
		if c.Outputs[i].Shared().Name != "" {
			here = here.at("name")
			switch {
			case slices.Contains(reservedNames(), name):
				here.bad("%s is tbot's own; choose another", spec.Quote(name))
			case unfit.MatchString(name):
				here.bad("%s holds more than lower-case letters, digits, _, + and -", spec.Quote(name))
			}
		}
		if used[name] {
			here.bad("the name %s is taken by an output before it", spec.Quote(name))
		}
		used[name] = true
	}
}
