package tbotconfig_test

import (
	"reflect"
	"testing"

	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// FuzzDecode feeds what a ConfigMap may hold: it never panics, and what it reads is written and read again as the same.
func FuzzDecode(f *testing.F) {
	text, err := tbotconfig.Encode(everything())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
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
		if err != nil || !reflect.DeepEqual(normal(read), normal(again)) {
			t.Fatalf("%+v, %v; want %+v", again, err, read)
		}
	})
}

// normal makes empty lists and maps nil: the file cannot tell them apart.
func normal(c tbotconfig.Config) tbotconfig.Config {
	if len(c.Onboarding.CAPins) == 0 {
		c.Onboarding.CAPins = nil
	}
	if len(c.Storage.Labels) == 0 {
		c.Storage.Labels = nil
	}
	for _, output := range c.Outputs {
		if identity, ok := output.(*tbotconfig.Identity); ok {
			if len(identity.Roles) == 0 {
				identity.Roles = nil
			}
			if len(identity.Destination.Labels) == 0 {
				identity.Destination.Labels = nil
			}
		}
	}
	return c
}
