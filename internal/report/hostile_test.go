package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/proof"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// hostile is what a server, a kubeconfig or an answers file may hold: sequences that clear the screen, set the title and the
// colour (also by the one-byte C1 form), line ends that fake lines of ours, and characters that reverse or hide text.
const hostile = "evil\x1b[2J\x1b]0;owned\x07\u009b31m\r\n  + TBC101 fine\t\u202eesrever\u200b\x7f\u2066\U000e0041"

// fill sets every string that can be reached in v.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.CanSet() {
			v.SetString(hostile)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		if v.CanSet() && (v.Type().Elem().Kind() == reflect.String || v.Type().Elem().Kind() == reflect.Struct) && v.Type().PkgPath() == "" {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			fill(v.Index(0))
		}
	default:
	}
}

func filled[T any](change func(*T)) T {
	var value T
	fill(reflect.ValueOf(&value).Elem())
	if change != nil {
		change(&value)
	}
	return value
}

// harmless fails the test where text holds what a terminal acts on, beyond the line ends of lines lines.
func harmless(t *testing.T, text string, lines int) {
	t.Helper()
	for _, r := range text {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			t.Errorf("%U came out: %q", r, text)
			return
		}
	}
	if got := strings.Count(text, "\n"); got != lines {
		t.Errorf("%d lines came out, want %d: foreign text must not make lines of its own: %q", got, lines, text)
	}
	if !strings.Contains(text, "evil") {
		t.Errorf("the text is gone: %q", text)
	}
}

func TestHostileTextIsHarmless(t *testing.T) {
	t.Parallel()
	finding := func(status checks.Status) checks.Result {
		return checks.Result{
			Check:   checks.Check{ID: "TBC101", Title: "the title"},
			Finding: filled(func(f *checks.Finding) { f.Status = status; f.Err = errors.New(hostile) }),
		}
	}
	planned := func(action plan.Action) plan.Plan {
		return plan.Plan{Items: []plan.Item{filled(func(i *plan.Item) { i.Action = action; i.Resource.System = manifests.Kubernetes; i.Resource.YAML = nil })}}
	}
	heads := map[manifests.System]string{"kubernetes": hostile, "teleport": hostile}
	event := func(state apply.State) apply.Event { return filled(func(e *apply.Event) { e.State = state }) }
	for name, row := range map[string]struct {
		lines int
		print func(*report.Progress)
	}{
		"head":           {2, func(p *report.Progress) { p.Head(hostile) }},
		"sentence":       {1, func(p *report.Progress) { p.Say(hostile) }},
		"warning":        {1, func(p *report.Progress) { p.Warn(hostile) }},
		"pass":           {2, func(p *report.Progress) { p.Check(finding(checks.Pass)) }},
		"warn":           {3, func(p *report.Progress) { p.Check(finding(checks.Warn)) }},
		"fail":           {4, func(p *report.Progress) { p.Check(finding(checks.Fail)) }},
		"skip":           {3, func(p *report.Progress) { p.Check(finding(checks.Skip)) }},
		"unknown":        {3, func(p *report.Progress) { p.Check(finding(checks.Unknown)) }},
		"create":         {4, func(p *report.Progress) { p.Plan(planned(plan.Create), heads) }},
		"update":         {4, func(p *report.Progress) { p.Plan(planned(plan.Update), heads) }},
		"same":           {4, func(p *report.Progress) { p.Plan(planned(plan.Same), heads) }},
		"taken over":     {4, func(p *report.Progress) { p.Plan(forced(planned(plan.Update)), heads) }},
		"unseen":         {3, func(p *report.Progress) { p.Plan(withoutChanges(planned(plan.Unseen)), heads) }},
		"conflict":       {4, func(p *report.Progress) { p.Plan(planned(plan.Conflict), heads) }},
		"waiting":        {1, func(p *report.Progress) { p.Event(event(apply.Waiting)) }},
		"done":           {1, func(p *report.Progress) { p.Event(event(apply.Done)) }},
		"failed":         {1, func(p *report.Progress) { p.Event(event(apply.Failed)) }},
		"error":          {2, func(p *report.Progress) { p.Error(errors.New(hostile)) }},
		"error of lines": {3, func(p *report.Progress) { p.Error(errors.New("first\n  " + hostile)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			harmless(t, printed(t, terminal{}, row.print), row.lines)
			// A terminal wraps, and a line of our own is wiped away; nothing else may be in it.
			onTerminal := printed(t, terminal{tty: true, unicode: true}, func(p *report.Progress) { p.Looking(hostile); row.print(p) })
			cleaned := strings.ReplaceAll(onTerminal, "\r\x1b[2K", "")
			harmless(t, cleaned, strings.Count(cleaned, "\n"))
		})
	}
}

func forced(p plan.Plan) plan.Plan {
	p.Items[0].Force = true
	return p
}

func withoutChanges(p plan.Plan) plan.Plan {
	p.Items[0].Changes = nil
	return p
}

// hostileInit is a result in which every string that came from elsewhere is hostile.
func hostileInit() report.Init {
	result := filled(func(i *report.Init) {
		i.Setup.Resolved = &spec.Resolved{}
		i.Proof = &proof.Result{}
		fill(reflect.ValueOf(i.Setup.Resolved).Elem())
		fill(reflect.ValueOf(i.Proof).Elem())
		i.Plan.Items[0].Resource.YAML = nil
		i.Err, i.ProofErr = errors.New(hostile), errors.New(hostile)
	})
	return result
}

// An error of several lines cannot fake the result of a check.
func TestErrorKeepsItsLinesTogether(t *testing.T) {
	t.Parallel()
	got := printed(t, terminal{}, func(p *report.Progress) { p.Error(errors.New("refused\n  + TBC101 fine\nand so on")) })
	if want := "error: refused\n         + TBC101 fine\n       and so on\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}

func TestHostileTextInTheTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := hostileInit().Table(&out); err != nil {
		t.Fatal(err)
	}
	harmless(t, out.String(), 9)
}

// The JSON document keeps every character, and yet holds none that a terminal acts on.
func TestHostileTextInTheDocument(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := hostileInit().JSON(&out); err != nil {
		t.Fatal(err)
	}
	harmless(t, out.String(), strings.Count(out.String(), "\n"))
	var document struct {
		Setup     struct{ Context string }
		Resources []struct{ Name string }
		Error     string
	}
	if err := json.Unmarshal(out.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	if document.Setup.Context != hostile || document.Resources[0].Name != hostile || document.Error != hostile {
		t.Errorf("%q, %q, %q: a program has to get what was there", document.Setup.Context, document.Resources[0].Name, document.Error)
	}
}
