package docgen

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/internal/rights"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// Permissions is docs/permissions.md: what each command needs for an installation of the usual names.
func Permissions() []byte {
	usual := spec.Default()
	usual.Kubernetes.Namespace, usual.Teleport.Roles = "machines", []string{"access"}
	var page bytes.Buffer
	page.WriteString(notice("the lists of internal/rights"))
	page.WriteString(`# The rights that a command needs

The least that each command needs for an installation called ` + code(usual.Name) + ` in namespace ` + code(usual.Kubernetes.Namespace) + ` with access identity. For other answers
` + "`tbotctl permissions COMMAND`" + ` prints it, and with ` + "`--as-yaml`" + ` as roles that kubectl and tctl take; it works offline. Tests hold that each
command runs with exactly this, and misses each verb that is taken away. A command that is not here asks no cluster for anything.

Where rights are *not needed*, only words are missing without them.
`)
	for _, list := range []rights.List{
		rights.Init(usual, rights.InitHow{Proves: true, Waits: true}), rights.Diff(usual), rights.Verify(usual, false), rights.Evidence(usual, false),
		rights.Doctor(usual, rights.DoctorHow{}), rights.Doctor(usual, rights.DoctorHow{Proves: true}), rights.Doctor(usual, rights.DoctorHow{Before: true}),
		rights.Delete(usual, false),
	} {
		fmt.Fprintf(&page, "\n## %s\n\n", list.Command)
		row(&page, "Where", "Right", "What for")
		rule(&page, 3)
		permissionRows(&page, list.Places(false, rights.Required, rights.Looks), "")
		teleportRows(&page, list, false, "Teleport")
		permissionRows(&page, list.Places(false, rights.Informs), ", not needed")
		teleportRows(&page, list, true, "Teleport, not needed")
	}
	return page.Bytes()
}

func permissionRows(page *bytes.Buffer, places []rights.Place, suffix string) {
	for _, place := range places {
		where := "the whole cluster"
		if place.Namespace != "" {
			where = "the namespace"
		}
		for _, one := range place.Rules {
			what := code(one.Text())
			for _, or := range one.Or {
				what += " or " + code(or.Text())
			}
			row(page, where+suffix, what, text(one.For))
		}
	}
}

func teleportRows(page *bytes.Buffer, list rights.List, informs bool, where string) {
	for _, need := range list.Teleport {
		if need.Informs == informs {
			row(page, where, code(need.Kind+": "+strings.Join(need.Verbs, ", ")), text(need.For))
		}
	}
}
