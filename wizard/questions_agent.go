package wizard

import "github.com/tbotctl/tbotctl/internal/spec"

// The flags that answer the questions about an agent.
const (
	FlagWorkload      = "workload"
	FlagAgentRoles    = "agent-roles"
	FlagAgentApp      = "agent-app"
	FlagAgentDatabase = "agent-database"
	FlagAgentKubeName = "agent-kube-name"
	FlagAgentLabels   = "agent-labels"
	FlagAgentRelease  = "agent-release"
)

// agentQuestions are about what is deployed, and about an agent in the place of tbot.
func agentQuestions() []Question {
	asked := func(needs func(spec.Agent) bool) func(spec.Setup, Situation) bool {
		return func(s spec.Setup, _ Situation) bool { return s.IsAgent() && needs(s.Agent) }
	}
	return []Question{
		{
			Flag: FlagWorkload, Title: "What is deployed?", Help: "tbot, or what a teleport-kube-agent joins with", Optional: true,
			Explain: `tbot: Teleport's agent for machines. It joins as a bot and keeps short-lived credentials for pods and jobs of this cluster.

agent: a teleport-kube-agent, which makes applications, databases or this very cluster reachable through Teleport. tbotctl makes the join token and the service account, proves that it lets the agent in, and writes the values for Teleport's Helm chart. Helm itself is yours to run.`,
		},
		{
			Flag: FlagAgentRelease, Title: "What is the Helm release called?", Help: "its service account is called the same", Optional: true,
			Explain: `The join token allows one service account of this namespace, which tbotctl makes and the chart uses. It is called as the release is.

Helm's release names have lower-case letters, digits and "-", at most 53.`,
		},
		{
			Flag: FlagAgentRoles, Title: "What does the agent serve?", Help: "App, Kube, Db, Discovery; separated by commas", When: asked(func(spec.Agent) bool { return true }),
			Explain: `The join token allows the system roles that you choose and no others: who gets hold of it cannot become anything else in your Teleport cluster.

App: applications that the agent reaches by HTTP or TCP.

Kube: this Kubernetes cluster, for kubectl through Teleport.

Db: databases that the agent reaches.

Discovery: finds Services of this cluster, and with App serves them as applications.`,
		},
		{
			Flag: FlagAgentApp, Title: "Which applications?", Help: "NAME=URI, several with semicolons", When: asked(spec.Agent.NeedsApps),
			Explain: `Each as NAME=URI, with the URI as the agent's pod reaches it: grafana=http://grafana.monitoring.svc:3000. Several are separated by semicolons.

The name becomes part of the application's address in Teleport, so it has lower-case letters, digits and "-".`,
		},
		{
			Flag: FlagAgentDatabase, Title: "Which databases?", Help: "NAME=PROTOCOL=URI, several with semicolons", When: asked(spec.Agent.NeedsDatabases),
			Explain: `Each as NAME=PROTOCOL=URI, with Teleport's name of the protocol and the address as the agent's pod reaches it: orders=postgres=orders.db.svc:5432. Several are separated by semicolons.

The database has to trust Teleport's database authority before anybody gets in; Teleport's guide for the protocol says how.`,
		},
		{
			Flag: FlagAgentKubeName, Title: "What is this Kubernetes cluster called in Teleport?", Help: "the name that `tsh kube ls` will show", When: asked(spec.Agent.NeedsKubeName),
			Explain: "People and roles know the cluster by this name. It is also the group by which Discovery marks what it finds.",
		},
		{
			Flag: FlagAgentLabels, Title: "Which Teleport labels does it all get?", Help: "key=value, several with commas", Optional: true,
			Explain: "Teleport's roles give access by labels. Without any, only roles that match every label reach what the agent serves: then the list of `tsh apps ls` is empty for others.",
		},
	}
}
