package report

import (
	"io"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// SchemaVersion of every JSON document; fields are only ever added to (docs/adr/0005).
const SchemaVersion = 1

type initDocument struct {
	SchemaVersion int            `json:"schemaVersion"`
	Setup         setupJSON      `json:"setup"`
	Discovery     discoveryJSON  `json:"discovery"`
	JoinType      joinTypeJSON   `json:"joinType"`
	Resources     []resourceJSON `json:"resources"`
	Proof         proofJSON      `json:"proof"`
	Checks        []checkJSON    `json:"checks"`
	Files         []fileJSON     `json:"files,omitempty"`
	DryRun        string         `json:"dryRun,omitempty"`
	Request       *Request       `json:"request,omitempty"`
	Next          []string       `json:"next"`
	Error         string         `json:"error,omitempty"`
}

type setupJSON struct {
	Context        string   `json:"context"`
	Namespace      string   `json:"namespace"`
	ServiceAccount string   `json:"serviceAccount"`
	Deployment     string   `json:"deployment"`
	OutputSecret   string   `json:"outputSecret"`
	Proxy          string   `json:"proxy"`
	ClusterName    string   `json:"clusterName"`
	ServerVersion  string   `json:"serverVersion"`
	Bot            string   `json:"bot"`
	Token          string   `json:"token"`
	Roles          []string `json:"roles"`
	Image          string   `json:"image"`
	Install        string   `json:"install"`
	AgentRoles     []string `json:"agentRoles,omitempty"`
	Release        string   `json:"release,omitempty"`
	// Side is left out where the run was for both.
	Side string `json:"side,omitempty"`
}

type discoveryJSON struct {
	Issuer   string `json:"issuer"`
	Public   bool   `json:"public"`
	Why      string `json:"why"`
	SeenFrom string `json:"seenFrom"`
	// Platform is left out where the issuer is none of a known cloud's.
	Platform *platformJSON `json:"platform,omitempty"`
}

type platformJSON struct {
	Name       string `json:"name"`
	JoinMethod string `json:"joinMethod"`
	Needs      string `json:"needs"`
	Docs       string `json:"docs"`
}

type joinTypeJSON struct {
	Chosen   string          `json:"chosen"`
	Reason   string          `json:"reason"`
	SeenFrom string          `json:"seenFrom"`
	Warnings []string        `json:"warnings"`
	Rejected []rejectionJSON `json:"rejected"`
}

type rejectionJSON struct {
	Type string `json:"type"`
	Why  string `json:"why"`
}

type resourceJSON struct {
	// System is kubernetes, teleport or target; a target's Context leads to its cluster.
	System    string `json:"system"`
	Context   string `json:"context,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Action    string `json:"action"`
	Applied   bool   `json:"applied"`
	// Reason and Owner say what stands in the way of a conflict, or stood; Manager is the tool that keeps the resource. Manifest is the document
	// as it should stand where that tool has it from, where they differ.
	Reason   string       `json:"reason,omitempty"`
	Owner    string       `json:"owner,omitempty"`
	Manager  string       `json:"manager,omitempty"`
	Manifest string       `json:"manifest,omitempty"`
	Changes  []changeJSON `json:"changes,omitempty"`
}

type changeJSON struct {
	Path   string `json:"path"`
	Live   string `json:"live"`
	Wanted string `json:"wanted"`
	// Manager is who else than tbotctl holds the field.
	Manager string `json:"manager,omitempty"`
}

type proofJSON struct {
	// Status is proven (a join was made), evidence (a running setup was looked at), failed or none.
	Status   string       `json:"status"`
	From     string       `json:"from"`
	User     string       `json:"user"`
	Via      string       `json:"via"`
	NotAfter string       `json:"notAfter"`
	Outputs  []outputJSON `json:"outputs"`
	Notes    []string     `json:"notes"`
	Error    string       `json:"error,omitempty"`
	Cause    *causeJSON   `json:"cause,omitempty"`
}

type causeJSON struct {
	ID       string `json:"id"`
	Cause    string `json:"cause"`
	Observed string `json:"observed"`
	Expected string `json:"expected"`
	Fix      string `json:"fix"`
}

type outputJSON struct {
	Name             string         `json:"name,omitempty"`
	Type             string         `json:"type"`
	Destination      string         `json:"destination"`
	User             string         `json:"user,omitempty"`
	Roles            []string       `json:"roles"`
	KubernetesGroups []string       `json:"kubernetesGroups,omitempty"`
	KubernetesUsers  []string       `json:"kubernetesUsers,omitempty"`
	Clusters         []string       `json:"clusters,omitempty"`
	NotAfter         string         `json:"notAfter"`
	Files            []string       `json:"files"`
	NotExercised     string         `json:"notExercised,omitempty"`
	Notes            []string       `json:"notes,omitempty"`
	Error            string         `json:"error,omitempty"`
	Cause            *causeJSON     `json:"cause,omitempty"`
	Writes           []outputToJSON `json:"writes,omitempty"`
}

// outputToJSON is one place that an output writes to; Status is possible, refused or untested.
type outputToJSON struct {
	Place  string `json:"place"`
	Status string `json:"status"`
	Why    string `json:"why,omitempty"`
}

type checkJSON struct {
	ID         string `json:"id"`
	Category   string `json:"category"`
	Title      string `json:"title"`
	Status     string `json:"status"`
	Observed   string `json:"observed"`
	Expected   string `json:"expected"`
	Fix        string `json:"fix"`
	DurationMs int64  `json:"durationMs"`
}

// JSON writes the one document of `init -o json`.
func (i Init) JSON(w io.Writer) error {
	return writeJSON(w, i.document())
}

func (i Init) document() initDocument {
	n := i.Setup.Names()
	document := initDocument{
		SchemaVersion: SchemaVersion,
		Setup: setupJSON{
			Context: i.Setup.Kubernetes.Context, Namespace: n.Namespace, ServiceAccount: n.ServiceAccount, Deployment: n.Deployment,
			OutputSecret: n.OutputSecret, Proxy: i.Setup.Teleport.Proxy, ClusterName: i.Setup.Teleport.ClusterName,
			Bot: n.Bot, Token: n.Token, Roles: orEmpty(i.Setup.BotRoles()), AgentRoles: i.Setup.Agent.Roles,
		},
		Discovery: discoveryJSON{Issuer: i.Choice.Issuer, Public: i.Public.Reachable, Why: i.Public.Why(), SeenFrom: i.Public.SeenFrom},
		JoinType: joinTypeJSON{
			Chosen: string(i.Choice.Type), Reason: i.Choice.Reason, SeenFrom: i.Choice.SeenFrom,
			Warnings: orEmpty(i.Choice.Warnings), Rejected: []rejectionJSON{},
		},
		Resources: []resourceJSON{}, Proof: i.proof(), Checks: checksJSON(i.Checks), Files: filesJSON(i.allFiles()), DryRun: i.DryRun, Next: orEmpty(i.Next),
	}
	if i.Setup.IsAgent() {
		document.Setup.Release = i.Setup.Release()
	}
	if i.Setup.Side == spec.SideKubernetes || i.Setup.Side == spec.SideTeleport {
		document.Setup.Side = string(i.Setup.Side)
	}
	if i.Request.Path != "" {
		document.Request = &i.Request
	}
	if platform, known := issuer.PlatformOf(i.Choice.Issuer); known {
		document.Discovery.Platform = &platformJSON{platform.Name, platform.JoinMethod, platform.Needs, platform.Docs}
	}
	if r := i.Setup.Resolved; r != nil {
		document.Setup.ClusterName, document.Setup.ServerVersion, document.Setup.Image = r.ClusterName, r.ServerVersion, r.Image
		document.Setup.Install = i.Setup.InstallID()
	}
	for _, rejected := range i.Choice.Rejected {
		document.JoinType.Rejected = append(document.JoinType.Rejected, rejectionJSON{string(rejected.Type), rejected.Why})
	}
	for _, item := range i.Plan.Items {
		resource := resourceJSON{
			System: string(item.Resource.System), Context: item.Resource.Context, Kind: item.Resource.Kind, Namespace: item.Resource.Namespace, Name: item.Resource.Name,
			Action: string(item.Action), Applied: i.Written[item.Resource.ID()],
			Reason: string(item.Reason), Owner: item.Owner, Manager: item.Manager.String(),
		}
		if item.Reason == plan.Managed && item.Action == plan.Conflict {
			resource.Manifest = string(item.Resource.YAML)
		}
		for _, change := range item.Changes {
			resource.Changes = append(resource.Changes, changeJSON(change))
		}
		document.Resources = append(document.Resources, resource)
	}
	if i.Err != nil {
		document.Error = i.Err.Error()
	}
	return document
}

func (i Init) proof() proofJSON { return proofOf(i.Proof, i.ProofErr, i.Refusal, nil) }

// proofOf is a proof, or why there is none; outputs explains by name what is wrong with an output.
func proofOf(proven *proof.Result, failed error, refusal *checks.Refusal, outputs map[string]checks.Refusal) proofJSON {
	document := proofJSON{Status: "none", Outputs: []outputJSON{}, Notes: []string{}}
	if failed != nil {
		document.Status, document.Error = "failed", failed.Error()
	}
	if refusal != nil {
		document.Cause = causeOf(*refusal)
	}
	if proven == nil {
		return document
	}
	document.Status, document.From, document.User, document.Via = statusOf(proven), proven.From, proven.User, proven.Via
	document.NotAfter, document.Notes = timestamp(proven.NotAfter), orEmpty(proven.Notes)
	for _, output := range proven.Outputs {
		one := outputJSON{
			Name: output.Name, Type: output.Type, Destination: output.Destination, User: output.User, Roles: orEmpty(output.Roles),
			KubernetesGroups: output.KubernetesGroups, KubernetesUsers: output.KubernetesUsers, Clusters: output.Clusters,
			NotAfter: timestamp(output.NotAfter), Files: orEmpty(output.Files), NotExercised: output.NotExercised, Notes: output.Notes,
		}
		if output.Err != nil {
			one.Error = output.Err.Error()
		}
		if cause, wrong := outputs[output.Name]; wrong {
			one.Cause = causeOf(cause)
		}
		for _, write := range output.Writes {
			one.Writes = append(one.Writes, writeOf(write))
		}
		document.Outputs = append(document.Outputs, one)
	}
	return document
}

func causeOf(r checks.Refusal) *causeJSON {
	return &causeJSON{ID: r.ID, Cause: r.Cause, Observed: r.Observed, Expected: r.Expected, Fix: r.Fix}
}

func writeOf(w proof.Write) outputToJSON {
	switch {
	case w.Err != nil:
		return outputToJSON{Place: w.Place, Status: "refused", Why: w.Err.Error()}
	case w.Untested != "":
		return outputToJSON{Place: w.Place, Status: "untested", Why: w.Untested}
	}
	return outputToJSON{Place: w.Place, Status: "possible"}
}

func statusOf(result *proof.Result) string {
	if result.Via == ViaEvidence {
		return ViaEvidence
	}
	return "proven"
}

// ViaEvidence marks a proof for which nothing was made, minted or written.
const ViaEvidence = "evidence"

func checksJSON(results []checks.Result) []checkJSON {
	documents := make([]checkJSON, 0, len(results))
	for _, r := range results {
		documents = append(documents, checkJSON{
			ID: string(r.Check.ID), Category: string(r.Check.Category), Title: r.Check.Title, Status: string(r.Finding.Status),
			Observed: r.Finding.Observed, Expected: r.Finding.Expected, Fix: r.Finding.Fix, DurationMs: r.Duration.Milliseconds(),
		})
	}
	return documents
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// timestamp is RFC 3339 in UTC, empty where there is no time.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
