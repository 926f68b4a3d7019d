package report

import (
	"io"
	"time"

	"github.com/tbotctl/tbotctl/checks"
)

// Doctor is all that a run of doctor came to know.
type Doctor struct {
	// Version is tbotctl's own.
	Version string
	Target  DoctorTarget
	// Installations are the tbots that were found, in the order in which they are shown; one without a name where none was.
	Installations []Installation
}

// DoctorTarget is what was looked at. What is not known is empty.
type DoctorTarget struct {
	// Context is the kubeconfig's, Namespace what the search was narrowed to; Proxy is host:port.
	Context, Namespace, Proxy  string
	ClusterName, ServerVersion string
	// ForServer is the release of --for-server.
	ForServer string
}

// Installation is one tbot with what was found of it.
type Installation struct {
	// Name is namespace/name of its Deployment, Manager who made it, where that is known.
	Name, Manager string
	Results       []checks.Result
	Conclusion    checks.Conclusion
	// Until is when the first of its certificates ends, zero where that is not known.
	Until time.Time
	// Send are the lines for whoever has the rights to mend the cause, where the login has not.
	Send []string
}

type doctorDocument struct {
	SchemaVersion int                  `json:"schemaVersion"`
	Tool          toolJSON             `json:"tool"`
	Target        targetJSON           `json:"target"`
	Summary       summaryJSON          `json:"summary"`
	Installations []installationJSON   `json:"installations"`
	Impact        []string             `json:"impact"`
	Causes        []doctorCauseJSON    `json:"causes"`
	Checks        []diagnosedCheckJSON `json:"checks"`
}

type toolJSON struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type targetJSON struct {
	Context       string `json:"context"`
	Namespace     string `json:"namespace"`
	Proxy         string `json:"proxy"`
	ClusterName   string `json:"clusterName"`
	ServerVersion string `json:"serverVersion"`
	ForServer     string `json:"forServer,omitempty"`
}

type summaryJSON struct {
	// Status is the worst that was found: fail, unknown, warn or pass.
	Status  string `json:"status"`
	Pass    int    `json:"pass"`
	Warn    int    `json:"warn"`
	Fail    int    `json:"fail"`
	Skip    int    `json:"skip"`
	Unknown int    `json:"unknown"`
}

type installationJSON struct {
	Name    string `json:"name"`
	Manager string `json:"manager"`
	// CertificatesUntil is RFC 3339 in UTC; empty where it is not known.
	CertificatesUntil string `json:"certificatesUntil"`
}

// doctorCauseJSON is the root cause of one installation.
type doctorCauseJSON struct {
	Installation string   `json:"installation"`
	ID           string   `json:"id"`
	Title        string   `json:"title"`
	Observed     string   `json:"observed"`
	Expected     string   `json:"expected"`
	Fix          string   `json:"fix"`
	Docs         string   `json:"docs"`
	Since        string   `json:"since"`
	Follows      []string `json:"follows"`
	Send         []string `json:"send"`
}

type diagnosedCheckJSON struct {
	Installation string `json:"installation"`
	ID           string `json:"id"`
	Category     string `json:"category"`
	Title        string `json:"title"`
	Status       string `json:"status"`
	Observed     string `json:"observed"`
	Expected     string `json:"expected"`
	Fix          string `json:"fix"`
	Docs         string `json:"docs"`
	DurationMs   int64  `json:"durationMs"`
}

// JSON writes the one document of `doctor -o json`.
func (d Doctor) JSON(w io.Writer) error {
	n := d.count()
	document := doctorDocument{
		SchemaVersion: SchemaVersion,
		Tool:          toolJSON{Name: "tbotctl", Version: d.Version},
		Target: targetJSON{
			Context: d.Target.Context, Namespace: d.Target.Namespace, Proxy: d.Target.Proxy,
			ClusterName: d.Target.ClusterName, ServerVersion: d.Target.ServerVersion, ForServer: d.Target.ForServer,
		},
		Summary: summaryJSON{
			Status: string(d.Status()), Pass: n[checks.Pass], Warn: n[checks.Warn], Fail: n[checks.Fail], Skip: n[checks.Skip], Unknown: n[checks.Unknown],
		},
		Installations: []installationJSON{}, Impact: []string{}, Causes: []doctorCauseJSON{}, Checks: []diagnosedCheckJSON{},
	}
	for _, one := range d.Installations {
		document.Impact = append(document.Impact, one.Conclusion.Impact...)
		if one.Name != "" {
			document.Installations = append(document.Installations, installationJSON{Name: one.Name, Manager: one.Manager, CertificatesUntil: timestamp(one.Until)})
		}
		if root := one.Conclusion.Root; root != nil {
			document.Causes = append(document.Causes, doctorCauseJSON{
				Installation: one.Name, ID: string(root.Check.ID), Title: root.Check.Title, Observed: root.Finding.Observed, Expected: root.Finding.Expected,
				Fix: root.Finding.Fix, Docs: checks.DocsURL(root.Check.ID), Since: timestamp(one.Conclusion.Since), Follows: idsOf(one.Conclusion.Follows), Send: orEmpty(one.Send),
			})
		}
		for _, r := range one.Results {
			document.Checks = append(document.Checks, diagnosedCheckJSON{
				Installation: one.Name, ID: string(r.Check.ID), Category: string(r.Check.Category), Title: r.Check.Title, Status: string(r.Finding.Status),
				Observed: r.Finding.Observed, Expected: r.Finding.Expected, Fix: r.Finding.Fix, Docs: checks.DocsURL(r.Check.ID), DurationMs: r.Duration.Milliseconds(),
			})
		}
	}
	return writeJSON(w, document)
}

// Status is the worst status of the run: Fail, Unknown, Warn, Pass in this order.
func (d Doctor) Status() checks.Status {
	n := d.count()
	for _, status := range []checks.Status{checks.Fail, checks.Unknown, checks.Warn} {
		if n[status] > 0 {
			return status
		}
	}
	return checks.Pass
}

func (d Doctor) count() map[checks.Status]int {
	n := map[checks.Status]int{}
	for _, one := range d.Installations {
		for status, more := range one.count() {
			n[status] += more
		}
	}
	return n
}

func (i Installation) count() map[checks.Status]int {
	n := map[checks.Status]int{}
	for _, result := range i.Results {
		n[result.Finding.Status]++
	}
	return n
}

func idsOf(ids []checks.ID) []string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = string(id)
	}
	return texts
}
