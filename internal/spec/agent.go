package spec

import (
	"fmt"
	"slices"
	"strings"
)

// Agent says what a teleport-kube-agent serves, and under which release of its Helm chart. It belongs to WorkloadAgent.
type Agent struct {
	// Roles are the system roles that the join token allows, as Teleport writes them.
	Roles     []string        `yaml:"roles,omitempty"`
	Apps      []AgentApp      `yaml:"apps,omitempty"`
	Databases []AgentDatabase `yaml:"databases,omitempty"`
	// KubeName is what this Kubernetes cluster is called in Teleport, for Kube and Discovery.
	KubeName string `yaml:"kubeName,omitempty"`
	// Labels are Teleport's, on all that the agent serves: roles give access by them.
	Labels map[string]string `yaml:"labels,omitempty"`
	// Release is the Helm release; empty is Setup.Name.
	Release string `yaml:"release,omitempty"`
}

// AgentApp is one application behind the agent, at the URI as the agent reaches it.
type AgentApp struct {
	Name string `yaml:"name"`
	URI  string `yaml:"uri"`
}

// AgentDatabase is one database behind the agent. Protocol is Teleport's name for it, such as postgres; URI is mostly host:port.
type AgentDatabase struct {
	Name     string `yaml:"name"`
	Protocol string `yaml:"protocol"`
	URI      string `yaml:"uri"`
}

// The system roles that the chart knows services for (teleport-facts 8.3).
const (
	RoleApp       = "App"
	RoleKube      = "Kube"
	RoleDb        = "Db"
	RoleDiscovery = "Discovery"
)

// AgentRoles are all that an agent can be asked to be.
func AgentRoles() []string { return []string{RoleApp, RoleKube, RoleDb, RoleDiscovery} }

// defaultName and DefaultAgentName are the base names where none is given. They differ, so that a tbot and an agent of one namespace
// never take each other's token for their own.
const (
	defaultName      = "tbot"
	DefaultAgentName = "teleport-agent"
)

// IsAgent reports whether a teleport-kube-agent is deployed and not a tbot.
func (s Setup) IsAgent() bool { return s.Workload.Kind == WorkloadAgent }

// Serves reports whether one of the roles is asked for.
func (a Agent) Serves(roles ...string) bool {
	return slices.ContainsFunc(roles, func(role string) bool { return slices.Contains(a.Roles, role) })
}

// NeedsApps tells that the chart does not render without applications: Discovery finds them itself.
func (a Agent) NeedsApps() bool { return a.Serves(RoleApp) && !a.Serves(RoleDiscovery) }

// NeedsDatabases tells the same of databases.
func (a Agent) NeedsDatabases() bool { return a.Serves(RoleDb) }

// NeedsKubeName tells the same of the cluster's name, by which Kube serves it and Discovery marks what it finds.
func (a Agent) NeedsKubeName() bool { return a.Serves(RoleKube, RoleDiscovery) }

// Release is the Helm release of an agent; its service account is called the same where no other name is given.
func (s Setup) Release() string {
	if s.Agent.Release == "" {
		return s.Name
	}
	return s.Agent.Release
}

// deploy changes what is deployed, and with it the answers that nobody gave: an agent has no bot and so no access of one.
func (s *Setup) deploy(kind WorkloadKind) {
	before := s.Workload.Kind
	s.Workload.Kind = kind
	switch {
	case kind == WorkloadAgent && before != kind:
		if s.Name == defaultName {
			s.Name = DefaultAgentName
		}
		if s.Access == AccessIdentity {
			s.Access = AccessNone
		}
	case before == WorkloadAgent && kind == WorkloadTbot:
		if s.Name == DefaultAgentName {
			s.Name = defaultName
		}
		s.Access = AccessIdentity
	}
}

// DefaultFor is Default with the answers that follow from a workload; the workload itself stays that of Default.
func DefaultFor(kind WorkloadKind) Setup {
	s := Default()
	s.deploy(kind)
	s.Workload.Kind = Default().Workload.Kind
	return s
}

// systemRole gives a role in Teleport's form, whatever its case; what Teleport does not know stays as it is.
func systemRole(typed string) string {
	for _, role := range AgentRoles() {
		if strings.EqualFold(role, typed) {
			return role
		}
	}
	return typed
}

// agentFields are the answers of an agent.
func agentFields() []Field {
	roles := list("agent-roles", "App,Kube,...", "what the agent serves: App, Kube, Db, Discovery; its token allows these and no others", func(s *Setup) *[]string { return &s.Agent.Roles })
	setRoles := roles.Set
	roles.Set = func(s *Setup, v string) error {
		err := setRoles(s, v)
		for i, role := range s.Agent.Roles {
			s.Agent.Roles[i] = systemRole(role)
		}
		return err
	}
	return []Field{
		roles,
		agentApps(),
		agentDatabases(),
		word("agent-kube-name", "NAME", "what this Kubernetes cluster is called in Teleport, for Kube and Discovery", func(s *Setup) *string { return &s.Agent.KubeName }),
		pairs("agent-labels", "Teleport labels on what the agent serves; roles give access by them", func(s *Setup) *map[string]string { return &s.Agent.Labels }),
		word("agent-release", "NAME", "Helm release of the agent, and its service account; default: --name", func(s *Setup) *string { return &s.Agent.Release }),
	}
}

// agentApps reads NAME=URI, several in flags of their own or behind semicolons.
func agentApps() Field {
	return Field{
		Flag: "agent-app", Placeholder: "NAME=URI", Repeat: ";", Help: "application that the agent serves, and where the agent reaches it; repeatable",
		Set: func(s *Setup, v string) error {
			s.Agent.Apps = nil
			for part := range parted(v) {
				name, uri, found := strings.Cut(part, "=")
				if !found {
					return fmt.Errorf("%s is not NAME=URI", Quote(part))
				}
				s.Agent.Apps = append(s.Agent.Apps, AgentApp{Name: name, URI: uri})
			}
			return nil
		},
		Get: func(s Setup) string {
			parts := make([]string, 0, len(s.Agent.Apps))
			for _, app := range s.Agent.Apps {
				parts = append(parts, app.Name+"="+app.URI)
			}
			return strings.Join(parts, ";")
		},
	}
}

// agentDatabases reads NAME=PROTOCOL=URI in the same way.
func agentDatabases() Field {
	return Field{
		Flag: "agent-database", Placeholder: "NAME=PROTOCOL=URI", Repeat: ";", Help: "database that the agent serves, such as orders=postgres=db.example.com:5432; repeatable",
		Set: func(s *Setup, v string) error {
			s.Agent.Databases = nil
			for part := range parted(v) {
				words := strings.SplitN(part, "=", 3)
				if len(words) != 3 {
					return fmt.Errorf("%s is not NAME=PROTOCOL=URI", Quote(part))
				}
				s.Agent.Databases = append(s.Agent.Databases, AgentDatabase{Name: words[0], Protocol: words[1], URI: words[2]})
			}
			return nil
		},
		Get: func(s Setup) string {
			parts := make([]string, 0, len(s.Agent.Databases))
			for _, database := range s.Agent.Databases {
				parts = append(parts, database.Name+"="+database.Protocol+"="+database.URI)
			}
			return strings.Join(parts, ";")
		},
	}
}

// parted gives the parts of a list with semicolons that are not empty.
func parted(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for part := range strings.SplitSeq(text, ";") {
			if part = strings.TrimSpace(part); part != "" && !yield(part) {
				return
			}
		}
	}
}
