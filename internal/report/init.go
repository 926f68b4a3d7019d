package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/files"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// Init is all that a run of init came to know, as far as it came.
type Init struct {
	Setup  spec.Setup
	Public issuer.PublicResult
	Choice issuer.Choice
	Plan   plan.Plan
	// Written marks, by resource ID, what this run wrote.
	Written map[string]bool
	// Proof is nil where nothing was proven; ProofErr is why.
	Proof    *proof.Result
	ProofErr error
	// Refusal explains ProofErr where Teleport turned the join down.
	Refusal *checks.Refusal
	Checks  []checks.Result
	// Files are those that were written in the place of applying.
	Files []files.Done
	// Values are those of an agent's Helm release; nil where there are none, or among Files.
	Values *files.Done
	// DryRun is client or server where nothing was to be written.
	DryRun string
	// Request is what was asked of the Teleport side; its path is empty where nothing was.
	Request Request
	// Next are commands that a person may want now.
	Next []string
	Err  error
}

// Request is a file that asks the Teleport side for something, and the fingerprint of what stands in it.
type Request struct {
	Path        string `json:"path"`
	Fingerprint string `json:"fingerprint"`
}

// Table writes the result of a run that succeeded for people.
func (i Init) Table(w io.Writer) error {
	n, r := i.Setup.Names(), i.Setup.Resolved
	rows := [][2]string{{"Teleport cluster", fmt.Sprintf("%s, version %s, through %s", r.ClusterName, r.ServerVersion, i.Setup.Teleport.Proxy)}}
	token := [2]string{"Join token", fmt.Sprintf("%s, %s, admits %s", n.Token, r.JoinType, i.Setup.ServiceAccountRef())}
	switch {
	case i.Setup.Side == spec.SideTeleport:
		return i.tableOfTeleport(w, append(rows, token))
	case i.Setup.IsAgent():
		rows = append(rows, i.agentRows(token)...)
	default:
		rows = append(rows, [2]string{"Bot", botLine(n.Bot, i.Setup.BotRoles())}, token,
			[2]string{"Deployment", fmt.Sprintf("%s/%s, %s", n.Namespace, n.Deployment, r.Image)})
	}
	if argo := i.Setup.ArgoCDNamespace(); argo != "" {
		rows = append(rows, [2]string{"Output", "Argo CD's cluster Secrets in namespace " + argo})
	}
	if n.OutputSecret != "" {
		rows = append(rows, [2]string{"Output", fmt.Sprintf("Secret %s/%s", n.Namespace, n.OutputSecret)})
	}
	if i.Proof != nil {
		line := proofLine(i.Proof)
		if i.Setup.IsAgent() {
			line = fmt.Sprintf("joined as %s over %s", strings.Join(i.Proof.Roles, ", "), i.Proof.Via)
		}
		rows = append(rows, [2]string{"Proof", line})
	}
	return i.writeTable(w, rows)
}

// tableOfTeleport is the result for whoever did the Teleport side alone.
func (i Init) tableOfTeleport(w io.Writer, rows [][2]string) error {
	if !i.Setup.IsAgent() {
		rows = append(rows, [2]string{"Bot", botLine(i.Setup.Names().Bot, i.Setup.BotRoles())})
	}
	return i.writeTable(w, append(rows, [2]string{"Proof", "none from here; the Kubernetes side proves the join"}))
}

func (i Init) writeTable(w io.Writer, rows [][2]string) error {
	var text strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&text, "%s %s\n", ui.Pad(row[0]+":", 17), ui.Clean(row[1]))
	}
	if len(i.Next) > 0 {
		text.WriteString("\nNext:\n")
		for _, command := range i.Next {
			fmt.Fprintf(&text, "  %s\n", ui.Clean(command))
		}
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return nil
}

func botLine(bot string, roles []string) string {
	if len(roles) == 0 {
		return bot + ", no roles"
	}
	return bot + ", roles " + strings.Join(roles, ", ")
}

func proofLine(result *proof.Result) string {
	if result.Via == ViaEvidence {
		return "by evidence of " + result.From
	}
	return fmt.Sprintf("joined as %s over %s", result.User, result.Via)
}
