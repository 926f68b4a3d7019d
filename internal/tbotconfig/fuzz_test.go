package tbotconfig_test

import (
	"reflect"
	"testing"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// FuzzDecode feeds what a ConfigMap may hold: it never panics, and what it reads is written and read again as the same.
func FuzzDecode(f *testing.F) {
	// One small file for each output: go test would minimize a large one for as long as it runs.
	for _, output := range types().Outputs {
		text, err := tbotconfig.Encode(tbotconfig.Config{Version: "v2", ProxyServer: "a:443", Outputs: []tbotconfig.Output{output}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(head + "outputs:\n  - &a {type: identity, destination: {type: memory}}\n  - *a\n  -\n"))
	f.Add([]byte(head + "outputs: [[]]\nservices: {}\nstorage: ~\n"))
	f.Add([]byte(head + "x: &x {type: memory}\noutputs:\n  - {type: identity, destination: {<<: *x}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := tbotconfig.Decode(data)
		if err != nil {
			return
		}
		written, err := tbotconfig.Encode(read)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := tbotconfig.Decode(written)
		if err != nil || !reflect.DeepEqual(read, again) {
			t.Fatalf("%+v, %v; want %+v", again, err, read)
		}
	})
}

// FuzzInspect feeds the same: it never panics, agrees with Decode wherever that reads, and says the same where it does not.
func FuzzInspect(f *testing.F) {
	f.Add([]byte(head + "outputs:\n  - &a {type: kubernetes/v2, selectors: [{name: b}], destination: {type: memory}}\n  - *a\n"))
	f.Add([]byte(head + "outputs: &a [*a]\nservices: {}\nstorage: ~\n"))
	f.Add([]byte(head + "outputs: [{type: application, <<: {a: b}}]\nonboarding: 3\n"))
	f.Add([]byte(head + "a: &a {b: c}\noutputs: [{type: nonsense, <<: [*a, *a, {d: [*a]}], destination: {type: memory}}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := tbotconfig.Inspect(data)
		strict, refused := tbotconfig.Decode(data)
		switch {
		case (err == nil) != (refused == nil) || err != nil && err.Error() != refused.Error():
			t.Fatalf("Inspect says %v, Decode %v", err, refused)
		case err == nil && !reflect.DeepEqual(read, strict):
			t.Fatalf("Inspect %+v, Decode %+v", read, strict)
		}
	})
}

// FuzzLint feeds files and releases: it never panics, and has an error for whatever Decode refuses.
func FuzzLint(f *testing.F) {
	f.Add([]byte(head+"services: [{type: spiffe-svid, svid: {path: /a}, destination: {type: memory}}]\n"), "19.0.0")
	f.Add([]byte("a: ["), "")
	f.Add([]byte(head), "18.x")
	f.Fuzz(func(t *testing.T, data []byte, version string) {
		_, problems := tbotconfig.Lint(data, version)
		_, refused := tbotconfig.Decode(data)
		for _, problem := range problems {
			if problem.Text == "" || problem.String() == "" {
				t.Fatalf("a problem says nothing: %+v", problem)
			}
			if !problem.Warning {
				return
			}
		}
		if refused != nil {
			t.Fatalf("Decode says %v, and Lint nothing", refused)
		}
	})
}
