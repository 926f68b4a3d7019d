package tbotconfig

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Invalid is everything that is wrong with a tbot.yaml at once.
type Invalid struct{ Problems []string }

func (e *Invalid) Error() string {
	return "tbot.yaml is not usable: " + strings.Join(e.Problems, "; ")
}

func invalid(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return &Invalid{Problems: problems}
}

// Validate says what tbot would refuse. The error is *Invalid.
func (c Config) Validate() error {
	return invalid(c.problems(func(i int) string { return fmt.Sprintf("output %d", i+1) }))
}

// problems collects what is wrong; at names an output by its index.
func (c Config) problems(at func(int) string) []string {
	var found []string
	if c.Version != Version {
		found = append(found, "version is "+spec.Quote(c.Version)+", not "+Version)
	}
	switch {
	case c.ProxyServer == "" && c.AuthServer == "":
		found = append(found, "neither proxy_server nor auth_server is given")
	case c.ProxyServer != "" && c.AuthServer != "":
		found = append(found, "proxy_server and auth_server are both given; leave one of the two out")
	}
	if c.Insecure && (c.Onboarding.CAPath != "" || len(c.Onboarding.CAPins) > 0) {
		found = append(found, "insecure stands beside ca_path or ca_pins; leave one of the two out")
	}
	if c.Onboarding.CAPath != "" && len(c.Onboarding.CAPins) > 0 {
		found = append(found, "ca_path and ca_pins are both given; leave one of the two out")
	}
	if !c.Storage.isZero() {
		found = append(found, c.Storage.problems("storage")...)
	}
	if c.CredentialTTL < 0 || c.RenewalInterval < 0 {
		found = append(found, "credential_ttl and renewal_interval are durations above zero")
	}
	return append(found, outputProblems(c.Outputs, at)...)
}

// serviceName is the pattern of teleport-facts 6.1.
var serviceName = regexp.MustCompile(`^[a-z0-9_+-]+$`)

func outputProblems(outputs []Output, at func(int) string) []string {
	reserved := []string{"ca-rotation", "crl-cache", "heartbeat", "identity", "spiffe-trust-bundle-cache"}
	var found []string
	used, count := map[string]bool{}, map[string]int{}
	for i, output := range outputs {
		common := output.Shared()
		count[common.Type]++
		name := common.Name
		switch {
		case name == "":
			// tbot numbers what has no name, so a given name can collide with a number.
			name = fmt.Sprintf("%s-%d", common.Type, count[common.Type])
		case slices.Contains(reserved, name):
			found = append(found, at(i)+": name "+spec.Quote(name)+" is tbot's own; choose another")
		case !serviceName.MatchString(name):
			found = append(found, at(i)+": name "+spec.Quote(name)+" holds more than lower-case letters, digits, _, + and -")
		}
		if used[name] {
			found = append(found, at(i)+": name "+spec.Quote(name)+" is taken by an output before it")
		}
		used[name] = true
		if common.CredentialTTL < 0 || common.RenewalInterval < 0 {
			found = append(found, at(i)+": credential_ttl and renewal_interval are durations above zero")
		}
		for _, problem := range output.problems() {
			found = append(found, at(i)+": "+problem)
		}
	}
	return found
}
