package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// The parts of a JUnit report that Jenkins and GitLab both read (the schema of Apache Ant's junitreport with the time of a suite).
type (
	junitReport struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name  string `xml:"name,attr"`
		Class string `xml:"classname,attr"`
		Time  string `xml:"time,attr"`
		// One of these at most.
		Skipped *junitReason `xml:"skipped,omitempty"`
		Error   *junitReason `xml:"error,omitempty"`
		Failure *junitReason `xml:"failure,omitempty"`
		Out     string       `xml:"system-out,omitempty"`
	}
	junitReason struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes one testsuite a category, and a tbot: a failed check is a failure, an unknown one an error, and a warning stands in
// system-out.
func (d Doctor) JUnit(w io.Writer) error {
	report := junitReport{Name: "tbotctl doctor"}
	var spent time.Duration
	for _, one := range d.Installations {
		for _, group := range byCategory(one.Results) {
			suite := junitSuite{Name: strings.TrimSpace(ui.Clean(one.Name) + " " + string(group[0].Check.Category))}
			var own time.Duration
			for _, result := range group {
				suite.add(result)
				own += result.Duration
			}
			suite.Time = seconds(own)
			spent += own
			report.Tests, report.Failures = report.Tests+suite.Tests, report.Failures+suite.Failures
			report.Errors, report.Skipped = report.Errors+suite.Errors, report.Skipped+suite.Skipped
			report.Suites = append(report.Suites, suite)
		}
	}
	report.Time = seconds(spent)
	encoded, err := xml.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return written(w, xml.Header+string(encoded)+"\n")
}

func (s *junitSuite) add(result checks.Result) {
	finding := result.Finding
	one := junitCase{Name: string(result.Check.ID) + " " + result.Check.Title, Class: "tbotctl." + string(result.Check.Category), Time: seconds(result.Duration)}
	reason := &junitReason{Message: ui.Clean(finding.Observed)}
	switch finding.Status {
	case checks.Pass:
	case checks.Skip:
		one.Skipped = reason
		s.Skipped++
	case checks.Unknown:
		reason.Type, reason.Text = string(finding.Status), checks.DocsURL(result.Check.ID)
		one.Error = reason
		s.Errors++
	case checks.Fail:
		reason.Type, reason.Text = string(finding.Status), detail(result)
		one.Failure = reason
		s.Failures++
	case checks.Warn:
		one.Out = detail(result)
	}
	s.Tests++
	s.Cases = append(s.Cases, one)
}

// detail is a finding on several lines of ours; what came from elsewhere makes none.
func detail(result checks.Result) string {
	var lines []string
	for _, part := range [][2]string{
		{"seen", result.Finding.Observed},
		{"expected", result.Finding.Expected},
		{"fix", result.Finding.Fix},
		{"see", checks.DocsURL(result.Check.ID)},
	} {
		if text := ui.Clean(part[1]); text != "" {
			lines = append(lines, part[0]+": "+text)
		}
	}
	return strings.Join(lines, "\n")
}

// seconds as JUnit writes them, to a millisecond.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
