package spec

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation"
)

// maxRelease is Helm's own bound of a release's name.
const maxRelease = 53

// agentDatabaseName and agentProtocol keep out what cannot stand in the values; which protocols there are, Teleport knows.
var (
	agentDatabaseName = regexp.MustCompile(`^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$`)
	agentProtocol     = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
)

// validateAgent judges the answers of an agent, and those that it has no use for.
func (s Setup) validateAgent(v *collector) {
	if !s.IsAgent() {
		s.refuse(v, "given, but --workload tbot deploys no agent", "leave it out, or choose --workload agent", agentFlags()...)
		return
	}
	a := s.Agent
	if s.Access != AccessNone {
		v.add("access", "given, but an agent has no bot, and so no access of one", "leave it out, or choose --workload tbot")
	}
	s.refuse(v, "given, but an agent has no bot", "leave it out, or choose --workload tbot", "bot-name", "roles", "output-secret", "tbot-config")
	s.refusePod(v)
	a.validateRoles(v)
	a.validateApps(v)
	a.validateDatabases(v)
	if a.KubeName != "" {
		v.onlyFor("agent-kube-name", a.NeedsKubeName() || len(a.Roles) == 0, "Kube or Discovery")
		if !kubeClusterName.MatchString(a.KubeName) {
			v.add("agent-kube-name", Quote(a.KubeName)+" is no name that Teleport takes for a Kubernetes cluster", "use letters, digits and . _ -")
		}
	}
	for _, key := range sorted(a.Labels) {
		pair := key + "=" + a.Labels[key]
		if v.text("agent-labels", Quote(pair), pair) && (key == "" || strings.ContainsFunc(pair, unicode.IsControl)) {
			v.add("agent-labels", Quote(pair)+" is no label", "write for example env=prod")
		}
	}
	if release := s.Release(); v.dns("agent-release", release, validation.IsDNS1123Label) && len(release) > maxRelease {
		v.add("agent-release", fmt.Sprintf("%s has %d characters", Quote(release), len(release)), fmt.Sprintf("Helm takes at most %d", maxRelease))
	}
}

// agentFlags are those that no other workload has a use for.
func agentFlags() []string {
	flags := make([]string, 0, len(agentFields()))
	for _, field := range agentFields() {
		flags = append(flags, field.Flag)
	}
	return flags
}

// refuse names those of the flags that have an answer.
func (s Setup) refuse(v *collector, problem, fix string, flags ...string) {
	for _, field := range Fields() {
		if slices.Contains(flags, field.Flag) && field.Get(s) != "" {
			v.add(field.Flag, problem, fix)
		}
	}
}

// refusePod names what is answered about a pod that is Helm's to make.
func (s Setup) refusePod(v *collector) {
	defaults := Default()
	for _, field := range Fields() {
		if slices.Contains([]string{
			"image", "registry", "image-pull-secret", "fips", "telemetry", "env", "requests", "limits", "node-selector", "toleration", "priority-class", "platform",
		}, field.Flag) && field.Get(s) != field.Get(defaults) {
			v.add(field.Flag, "given, but the agent's pod is made by its Helm chart", "leave it out, and give Helm a second file of values for it")
		}
	}
}

// onlyFor refuses an answer that no role has asked for.
func (c *collector) onlyFor(flag string, asked bool, roles string) {
	if !asked {
		c.add(flag, "given, but --agent-roles does not name "+roles, "leave one of the two out")
	}
}

// validateRoles knows the roles that the chart has services for. Others exist, such as Proxy and Node, and are for other programs.
func (a Agent) validateRoles(v *collector) {
	seen := map[string]bool{}
	for _, role := range a.Roles {
		switch {
		case !slices.Contains(AgentRoles(), role):
			v.add("agent-roles", Quote(role)+" is no role of an agent", "use one or more of "+strings.Join(AgentRoles(), ", "))
		case seen[role]:
			v.add("agent-roles", Quote(role)+" stands twice", "name each role once")
		}
		seen[role] = true
	}
}

// validateApps follows Teleport's rule for the name of an application, which becomes part of a host name.
func (a Agent) validateApps(v *collector) {
	const flag = "agent-app"
	if len(a.Apps) > 0 {
		v.onlyFor(flag, a.Serves(RoleApp) || len(a.Roles) == 0, RoleApp)
	}
	seen := map[string]bool{}
	for _, app := range a.Apps {
		if problems := validation.IsDNS1035Label(app.Name); len(problems) > 0 {
			v.add(flag, Quote(app.Name)+" is no name that Teleport takes for an application", firstRule(problems))
		}
		if seen[app.Name] {
			v.add(flag, Quote(app.Name)+" stands twice", "name each application once")
		}
		seen[app.Name] = true
		if address, err := url.Parse(app.URI); err != nil || address.Scheme == "" || address.Host == "" || !isPlainURI(app.URI) {
			v.add(flag, fmt.Sprintf("%s is no URI of application %s", Quote(app.URI), Quote(app.Name)), "write it with its scheme, for example http://grafana.monitoring.svc:3000")
		}
	}
}

func (a Agent) validateDatabases(v *collector) {
	const flag = "agent-database"
	if len(a.Databases) > 0 {
		v.onlyFor(flag, a.Serves(RoleDb) || len(a.Roles) == 0, RoleDb)
	}
	seen := map[string]bool{}
	for _, database := range a.Databases {
		switch {
		case !agentDatabaseName.MatchString(database.Name):
			v.add(flag, Quote(database.Name)+" is no name that Teleport takes for a database", "use letters, digits and -, starting with a letter")
		case seen[database.Name]:
			v.add(flag, Quote(database.Name)+" stands twice", "name each database once")
		case !agentProtocol.MatchString(database.Protocol):
			v.add(flag, fmt.Sprintf("%s is no protocol of database %s", Quote(database.Protocol), Quote(database.Name)), "write it as Teleport does, for example postgres")
		case database.URI == "" || !isPlainURI(database.URI):
			v.add(flag, fmt.Sprintf("%s is no address of database %s", Quote(database.URI), Quote(database.Name)), "write for example db.example.com:5432")
		}
		seen[database.Name] = true
	}
}

// isPlainURI keeps out what no address holds, and passwords, which do not belong into a file of values.
func isPlainURI(uri string) bool {
	if strings.ContainsFunc(uri, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == '"' }) {
		return false
	}
	address, err := url.Parse(uri)
	if err != nil || address.User == nil {
		return true
	}
	_, password := address.User.Password()
	return !password
}
