package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/ui"
)

// diagnosed is one result of a check as the catalogue may have it.
func diagnosed(t *testing.T, id checks.ID, finding checks.Finding) checks.Result {
	t.Helper()
	for _, check := range []checks.Check{
		{ID: "TBC101", Category: checks.CategoryKubernetes, Title: "the API server answers and takes the login"},
		{ID: "TBC206", Category: checks.CategoryIssuer, Title: "the login may read discovery"},
		{ID: "TBC301", Category: checks.CategoryTeleport, Title: "the proxy answers as a Teleport Proxy Service"},
		{ID: "TBC401", Category: checks.CategoryToken, Title: "the join token exists"},
		{ID: "TBC403", Category: checks.CategoryToken, Title: "the join token admits the service account"},
		{ID: "TBC503", Category: checks.CategoryWorkload, Title: "tbot.yaml is there and tbot can read it"},
		{ID: "TBC514", Category: checks.CategoryWorkload, Title: "the pods run", Symptom: true},
		{ID: "TBC604", Category: checks.CategoryPermissions, Title: "the service account may do no more than it needs"},
		{ID: "TBC703", Category: checks.CategoryOutput, Title: "each output's Secret is there and fresh", Symptom: true},
		{ID: "TBC705", Category: checks.CategoryOutput, Title: "Argo CD gets a Secret for each cluster that is selected"},
		{ID: "TBC802", Category: checks.CategoryJoin, Title: "tbot says that it joined", Symptom: true},
		{ID: "TBC901", Category: checks.CategoryAudit, Title: "Teleport let the last join in", Symptom: true},
	} {
		if check.ID == id {
			return checks.Result{Check: check, Finding: finding, Duration: 120 * time.Millisecond}
		}
	}
	t.Fatalf("there is no check %s", id)
	return checks.Result{}
}

func passing(observed string) checks.Finding {
	return checks.Finding{Status: checks.Pass, Observed: observed}
}

// brokenTbot is P07 as doctor sees it: one cause, what follows from it, and things that have nothing to do with it.
func brokenTbot(t *testing.T) report.Installation {
	t.Helper()
	results := []checks.Result{
		diagnosed(t, "TBC101", passing("v1.36.3")),
		diagnosed(t, "TBC206", checks.Finding{Status: checks.Unknown, Observed: `forbidden: User "viewer" cannot get path "/.well-known/openid-configuration"`, Err: errors.New("forbidden")}),
		diagnosed(t, "TBC301", passing("main.example.com, Teleport 18.2.0")),
		diagnosed(t, "TBC401", passing("tbot-1a2b3c4d")),
		diagnosed(t, "TBC403", checks.Finding{
			Status: checks.Fail, Observed: `join token tbot-1a2b3c4d allows "default:tbot"`, Expected: `an allow rule "machines:tbot", letter by letter`,
			Fix: "tctl edit token/tbot-1a2b3c4d",
		}),
		diagnosed(t, "TBC503", passing("ConfigMap machines/tbot-config")),
		diagnosed(t, "TBC514", checks.Finding{Status: checks.Fail, Observed: "pod tbot-7d9f waits: CrashLoopBackOff, 41 restarts", Fix: "kubectl --namespace machines describe pod tbot-7d9f"}),
		diagnosed(t, "TBC604", checks.Finding{
			Status: checks.Warn, Observed: "Role machines/secrets-admin gives every verb on every Secret of the namespace", Expected: "get, patch and create on Secret tbot-output",
			Fix: "kubectl --namespace machines patch role secrets-admin --type json --patch '[{\"op\":\"replace\",\"path\":\"/rules\",\"value\":[]}]'",
		}),
		diagnosed(t, "TBC703", checks.Finding{Status: checks.Fail, Observed: "Secret machines/tbot-output was last written 43 minutes ago", Expected: "every 20 minutes"}),
		diagnosed(t, "TBC705", checks.Finding{Status: checks.Skip, Observed: "no output is for Argo CD"}),
		diagnosed(t, "TBC802", checks.Finding{Status: checks.Fail, Observed: "kubernetes token did not match any allow rules"}),
	}
	conclusion := checks.Conclude(results)
	conclusion.Since = sampleTime()
	conclusion.Impact = []string{
		"the certificate in Secret machines/tbot-output ends at 2026-01-02T03:04:05Z, in 17 minutes",
		"pods ci-runner-0 and ci-runner-1 of namespace machines mount it",
	}
	return report.Installation{Name: "machines/tbot", Manager: "Helm", Results: results, Conclusion: conclusion, Until: sampleTime()}
}

func greenTbot(t *testing.T) report.Installation {
	t.Helper()
	return report.Installation{Name: "ci/tbot", Manager: "tbotctl", Until: sampleTime(), Results: []checks.Result{
		diagnosed(t, "TBC101", passing("v1.36.3")),
		diagnosed(t, "TBC401", passing("tbot-1a2b3c4d")),
		diagnosed(t, "TBC705", checks.Finding{Status: checks.Skip, Observed: "no output is for Argo CD"}),
	}}
}

func diagnosis(installations ...report.Installation) report.Doctor {
	return report.Doctor{
		Version: "1.2.3", Installations: installations,
		Target: report.DoctorTarget{Context: "prod-eu", Namespace: "machines", Proxy: "teleport.example.com:443", ClusterName: "main.example.com", ServerVersion: "18.2.0"},
	}
}

func drawn(t *testing.T, d report.Doctor, on terminal, width int) string {
	t.Helper()
	var out bytes.Buffer
	if err := d.Table(&out, ui.NewStyle(&out, on.color, on.unicode), width); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestDoctorFormats(t *testing.T) {
	t.Parallel()
	broken := brokenTbot(t)
	sent := brokenTbot(t)
	sent.Send = []string{
		`tbot machines/tbot does not work: TBC403: join token tbot-1a2b3c4d allows "default:tbot"`,
		`it should be: an allow rule "machines:tbot", letter by letter`,
		"please run: tctl get token/tbot-1a2b3c4d --format json | sed 's/default:tbot/machines:tbot/' | tctl create --force",
	}
	unsure := greenTbot(t)
	unsure.Results = append(unsure.Results, diagnosed(t, "TBC604", checks.Finding{Status: checks.Skip, Observed: "no Teleport login", Fix: "tsh login --proxy=teleport.example.com:443"}))
	unsure.Results = append(unsure.Results, diagnosed(t, "TBC901", checks.Finding{Status: checks.Unknown, Observed: `access denied to perform action "list" on "event"`}))
	warned := greenTbot(t)
	warned.Results = append(warned.Results, broken.Results[7])
	for name, d := range map[string]report.Doctor{
		"doctor-broken":  diagnosis(broken),
		"doctor-send":    diagnosis(sent),
		"doctor-green":   diagnosis(greenTbot(t)),
		"doctor-unsure":  diagnosis(unsure),
		"doctor-warned":  diagnosis(warned),
		"doctor-several": diagnosis(broken, greenTbot(t)),
		"doctor-nothing": diagnosis(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden.Assert(t, name+".txt", []byte(drawn(t, d, terminal{unicode: true}, 80)))
			golden.Assert(t, name+".json", documentOf(t, d))
		})
	}
	var short, junit bytes.Buffer
	several := diagnosis(broken, unsure)
	if err := errors.Join(several.Short(&short), several.JUnit(&junit)); err != nil {
		t.Fatal(err)
	}
	golden.Assert(t, "doctor-short.txt", short.Bytes())
	golden.Assert(t, "doctor-junit.xml", junit.Bytes())
}

func documentOf(t *testing.T, d report.Doctor) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := d.JSON(&out); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out.Bytes(), []byte("null")) {
		t.Errorf("the document holds a null: %s", out.String())
	}
	return out.Bytes()
}

// Of a run in which nothing failed the short form says nothing.
func TestShortSaysOnlyFailures(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := diagnosis(greenTbot(t)).Short(&out); err != nil || out.Len() != 0 {
		t.Errorf("%v: %q", err, out.String())
	}
}

// A command stands on one line, however it begins.
func TestCommandsStayWhole(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"kubectl patch", "printf %s", "echo"} {
		broken := brokenTbot(t)
		fix := program + " '" + strings.Repeat("word ", 40) + "' | tctl create -f"
		broken.Conclusion.Root.Finding.Fix = fix
		if text := drawn(t, diagnosis(broken), terminal{}, 80); !strings.Contains(text, "DO      "+fix+"\n") {
			t.Errorf("the command is broken:\n%s", text)
		}
	}
}

// Eighty columns hold everything but commands, which somebody copies; a narrower terminal holds it too.
func TestDoctorTableKeepsTheWidth(t *testing.T) {
	t.Parallel()
	for _, width := range []int{60, 80, 200} {
		for _, on := range []terminal{{}, {unicode: true}, {unicode: true, color: true}} {
			for line := range strings.Lines(drawn(t, diagnosis(brokenTbot(t), greenTbot(t)), on, width)) {
				plain := strings.TrimRight(ansi.Strip(line), "\n")
				if ansi.StringWidth(plain) > min(width, 80) && !strings.Contains(plain, "kubectl ") && !strings.Contains(plain, "tctl ") {
					t.Errorf("%d columns of %d: %q", ansi.StringWidth(plain), width, plain)
				}
				if plain != strings.TrimRight(plain, " ") {
					t.Errorf("blanks at the end of %q", plain)
				}
			}
		}
	}
}

// Colour says nothing that the text does not.
func TestDoctorTableWithoutColour(t *testing.T) {
	t.Parallel()
	d := diagnosis(brokenTbot(t))
	colored, plain := drawn(t, d, terminal{unicode: true, color: true}, 80), drawn(t, d, terminal{unicode: true}, 80)
	if colored == plain || ansi.Strip(colored) != plain {
		t.Errorf("with colour:\n%s\nwithout:\n%s", colored, plain)
	}
	if ascii := drawn(t, d, terminal{}, 80); strings.ContainsFunc(ascii, func(r rune) bool { return r > 0x7e }) {
		t.Errorf("not ASCII: %s", ascii)
	}
}

func TestDoctorStatus(t *testing.T) {
	t.Parallel()
	with := func(statuses ...checks.Status) report.Doctor {
		var one report.Installation
		for _, status := range statuses {
			one.Results = append(one.Results, checks.Result{Finding: checks.Finding{Status: status}})
		}
		return diagnosis(one)
	}
	for _, row := range []struct {
		of   []checks.Status
		want checks.Status
	}{
		{nil, checks.Pass},
		{[]checks.Status{checks.Pass, checks.Skip}, checks.Pass},
		{[]checks.Status{checks.Warn, checks.Pass}, checks.Warn},
		{[]checks.Status{checks.Unknown, checks.Warn}, checks.Unknown},
		{[]checks.Status{checks.Pass, checks.Fail, checks.Unknown}, checks.Fail},
	} {
		if got := with(row.of...).Status(); got != row.want {
			t.Errorf("%v is %s, want %s", row.of, got, row.want)
		}
	}
}

// What cli.md promises of each check is there, under these names.
func TestDoctorDocumentHasTheFieldsOfTheContract(t *testing.T) {
	t.Parallel()
	var document map[string]any
	if err := json.Unmarshal(documentOf(t, diagnosis(brokenTbot(t))), &document); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"schemaVersion", "tool", "target", "summary", "impact", "causes", "checks"} {
		if _, found := document[key]; !found {
			t.Errorf("the document lacks %s", key)
		}
	}
	first, ok := document["checks"].([]any)[0].(map[string]any)
	if !ok {
		t.Fatal("a check is no object")
	}
	for _, key := range []string{"id", "category", "title", "status", "observed", "expected", "fix", "docs", "durationMs"} {
		if _, found := first[key]; !found {
			t.Errorf("a check lacks %s", key)
		}
	}
}

// hostileDoctor is a result in which every string that came from elsewhere is hostile, with a check of every status.
func hostileDoctor() report.Doctor {
	d := filled(func(d *report.Doctor) {
		d.Installations = []report.Installation{filled(func(i *report.Installation) {
			i.Results, i.Until = nil, sampleTime()
			for n, status := range []checks.Status{checks.Pass, checks.Warn, checks.Fail, checks.Fail, checks.Skip, checks.Unknown} {
				i.Results = append(i.Results, checks.Result{
					Check:   checks.Check{ID: checks.ID([]string{"TBC101", "TBC102", "TBC103", "TBC104", "TBC105", "TBC201"}[n]), Category: checks.CategoryKubernetes, Title: "the title"},
					Finding: filled(func(f *checks.Finding) { f.Status = status }),
				})
			}
			i.Conclusion = checks.Conclude(i.Results)
			i.Conclusion.Impact = []string{hostile}
			i.Send = []string{hostile}
		})}
	})
	return d
}

func TestHostileTextInTheDiagnosis(t *testing.T) {
	t.Parallel()
	d := hostileDoctor()
	table := drawn(t, d, terminal{}, 80)
	harmless(t, table, strings.Count(table, "\n"))
	// At the start of a line stand only our own words.
	for line := range strings.Lines(table) {
		if strings.HasPrefix(strings.TrimSpace(line), "+ TBC101 fine") {
			t.Errorf("foreign text made a line of its own: %q", line)
		}
	}
	var short, junit, document bytes.Buffer
	if err := errors.Join(d.Short(&short), d.JUnit(&junit), d.JSON(&document)); err != nil {
		t.Fatal(err)
	}
	harmless(t, short.String(), 2)
	harmless(t, junit.String(), strings.Count(junit.String(), "\n"))
	harmless(t, document.String(), strings.Count(document.String(), "\n"))
	var back struct {
		Checks []struct{ Observed string }
	}
	if err := json.Unmarshal(document.Bytes(), &back); err != nil || back.Checks[0].Observed != hostile {
		t.Errorf("a program has to get what was there: %v, %+v", err, back)
	}
}

// Whatever a server says, the report stays XML, and says it.
func TestJUnitIsXML(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"]]>", `<failure message="x"/>`, "a & b", "\"'", "\x00\x08\ufffe", "evil\nlines", "\xff\xfe"} {
		one := report.Installation{Name: text, Results: []checks.Result{
			{Check: checks.Check{ID: "TBC101", Category: "kubernetes", Title: "t"}, Finding: checks.Finding{Status: checks.Fail, Observed: text, Expected: text, Fix: text}},
			{Check: checks.Check{ID: "TBC102", Category: "kubernetes", Title: "t"}, Finding: checks.Finding{Status: checks.Warn, Observed: text}},
		}}
		var out bytes.Buffer
		if err := diagnosis(one).JUnit(&out); err != nil {
			t.Fatal(err)
		}
		var read struct {
			Suites []struct {
				Failures int `xml:"failures,attr"`
				Cases    []struct {
					Failure *struct {
						Message string `xml:"message,attr"`
					} `xml:"failure"`
					Out string `xml:"system-out"`
				} `xml:"testcase"`
			} `xml:"testsuite"`
		}
		if err := xml.Unmarshal(out.Bytes(), &read); err != nil {
			t.Fatalf("%q: %v in %s", text, err, out.String())
		}
		if len(read.Suites) != 1 || len(read.Suites[0].Cases) != 2 || read.Suites[0].Failures != 1 || read.Suites[0].Cases[0].Failure == nil {
			t.Fatalf("%q: %+v", text, read)
		}
		if got, want := read.Suites[0].Cases[0].Failure.Message, ui.Clean(text); got != want && !slices.Contains([]string{"\x00\x08\ufffe", "\xff\xfe"}, text) {
			t.Errorf("the message is %q, want %q", got, want)
		}
	}
}

func TestExplainShowsTheWholeText(t *testing.T) {
	t.Parallel()
	for _, e := range checks.Explain() {
		var out bytes.Buffer
		if err := report.Explain(&out, e, 80); err != nil {
			t.Fatal(err)
		}
		flat := strings.Join(strings.Fields(out.String()), " ")
		for _, part := range append([]string{string(e.Check.ID), e.Check.Title, e.Explanation.Looks, e.Explanation.Why, e.Explanation.Mend, e.Explanation.Since}, e.Explanation.Shows...) {
			if !strings.Contains(flat, strings.Join(strings.Fields(part), " ")) {
				t.Errorf("%s: %q is missing in\n%s", e.Check.ID, part, out.String())
			}
		}
	}
}
