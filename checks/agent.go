package checks

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Concerning leaves out what does not arise in a setup, and words the rest for it: an agent has no tbot.
func Concerning(s spec.Setup, selected []Check) []Check {
	var titles map[ID]string
	if s.IsAgent() {
		titles = map[ID]string{TeleportVersion: "the version of the chart suits the server", JoinProven: "Teleport lets the service account in as each of the roles"}
	}
	var kept []Check
	for _, check := range selected {
		if !check.Arises(s) {
			continue
		}
		if title, reworded := titles[check.ID]; reworded {
			check.Title = title
		}
		kept = append(kept, check)
	}
	return kept
}

// forTbot is for checks about what an agent does not have: a bot, an output, a Deployment of tbotctl's.
func forTbot(s spec.Setup) bool { return !s.IsAgent() }

// judgeHostProof holds the joins of an agent to the roles that were asked for.
func judgeHostProof(roles []string, proof Proof) Finding {
	if !sameSet(roles, proof.Roles) {
		err := errors.New("let in as " + strings.Join(proof.Roles, ", "))
		return Finding{Status: Fail, Observed: err.Error(), Expected: strings.Join(roles, ", "), Err: err}
	}
	return passed(fmt.Sprintf("as %s, by %s", strings.Join(proof.Roles, ", "), proof.Via))
}

// wrongAgentRole is P18 for an agent: its token and its chart have to name the same roles.
func (r refused) wrongAgentRole() Refusal {
	wanted := r.Setup.Agent.Roles
	cause := Refusal{
		ID: "P18", Cause: "the join token does not allow a role that the agent asks for",
		Observed: "Teleport says: " + r.text, Expected: "roles [" + quoted(wanted) + "]",
		Fix: r.rewrite("sets the token's roles to " + strings.Join(wanted, ", ")),
	}
	if r.Token != nil {
		cause.Observed = fmt.Sprintf("%s has the roles [%s]", r.tokenName(), quoted(r.Token.GetRoles().StringSlice()))
	}
	return cause
}

// agentDenied is a refusal of an agent that Teleport gives no reason for; there is no bot that could be the cause.
func (r refused) agentDenied() Refusal {
	return Refusal{
		ID: "P17", Cause: "Teleport does not say why",
		Observed: "Teleport says: " + r.text, Expected: "a join that is let in, and no lock on " + r.tokenName(),
		Fix: "read the newest instance.join event in Teleport's audit log; tctl get locks lists the locks",
	}
}
