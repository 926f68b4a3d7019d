package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/files"
)

// agentRows are what stands of an agent: no bot and no Deployment, but a file for Helm.
func (i Init) agentRows(token [2]string) [][2]string {
	rows := [][2]string{
		{"Agent", fmt.Sprintf("release %s in %s, roles %s", i.Setup.Release(), i.Setup.Kubernetes.Namespace, strings.Join(i.Setup.Agent.Roles, ", "))},
		token,
	}
	if i.Values != nil {
		rows = append(rows, [2]string{"Values", i.Values.Path + ", " + string(i.Values.Action)})
	}
	return rows
}

// allFiles are those of a folder, and the values that a run that applies has written.
func (i Init) allFiles() []files.Done {
	if i.Values == nil {
		return i.Files
	}
	return append(slices.Clone(i.Files), *i.Values)
}
