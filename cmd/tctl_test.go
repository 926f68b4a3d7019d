package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"google.golang.org/protobuf/encoding/protojson"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/cmd"
	"github.com/tbotctl/tbotctl/internal/testkit/lab"
)

// stubTctl stands in for tctl and its user: an executable that records what it was started with and waits until the test has made
// the resources of its file in the test cluster, as tctl would once the key was touched. No real tctl runs here.
type stubTctl struct {
	path, record string
	// refuse makes it end as one whose key nobody touched.
	refuse bool

	lock  sync.Mutex
	files []string
}

func (b *bench) stubTctl(t *testing.T, refuse bool) *stubTctl {
	t.Helper()
	stub := &stubTctl{path: filepath.Join(t.TempDir(), "tctl"), record: t.TempDir(), refuse: refuse}
	script := fmt.Sprintf(`#!/bin/sh
record='%s'
for file; do :; done
echo 'Tap any security key'
printf '%%s\n' "$@" > "$record/argv"
env > "$record/env"
[ -z "$SSL_CERT_FILE" ] || cp "$SSL_CERT_FILE" "$record/authority"
cp "$file" "$record/copy" && mv "$record/copy" "$record/asked"
while [ ! -f "$record/answer" ]; do sleep 0.02; done
. "$record/answer"
`, stub.record)
	if err := os.WriteFile(stub.path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		stub.serve(ctx, t, b)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return stub
}

// serve makes what the stub is given, one call after the other.
func (s *stubTctl) serve(ctx context.Context, t *testing.T, b *bench) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asked := filepath.Join(s.record, "asked")
		data, err := os.ReadFile(asked)
		if err != nil {
			continue
		}
		s.lock.Lock()
		s.files = append(s.files, string(data))
		s.lock.Unlock()
		answer := "rm \"$record/answer\"; echo 'made'\n"
		if s.refuse {
			answer = "rm \"$record/answer\"; echo 'ERROR: no touch' >&2; exit 1\n"
		} else if err := b.make(data); err != nil {
			t.Errorf("the stub was given what no tctl takes: %v\n%s", err, data)
		}
		if err := os.Remove(asked); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(filepath.Join(s.record, "new"), []byte(answer), 0o600); err != nil {
			t.Error(err)
		}
		if err := os.Rename(filepath.Join(s.record, "new"), filepath.Join(s.record, "answer")); err != nil {
			t.Error(err)
		}
	}
}

// make makes in the test cluster what a file for `tctl create -f` holds, from its text alone.
func (b *bench) make(file []byte) error {
	for _, document := range bytes.Split(file, []byte("---\n")) {
		text, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			return err
		}
		var head struct{ Kind string }
		if err := json.Unmarshal(text, &head); err != nil {
			return err
		}
		switch head.Kind {
		case types.KindBot:
			bot := new(machineidv1.Bot)
			if err := protojson.Unmarshal(text, bot); err != nil {
				return err
			}
			b.teleport.PutBot(bot)
		case types.KindToken:
			token := new(types.ProvisionTokenV2)
			if err := json.Unmarshal(text, token); err != nil {
				return err
			}
			if err := token.CheckAndSetDefaults(); err != nil {
				return err
			}
			b.teleport.PutToken(token)
		default:
			return fmt.Errorf("kind %q", head.Kind)
		}
	}
	return nil
}

// given are the files that the stub was given so far.
func (s *stubTctl) given() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return append([]string(nil), s.files...)
}

func (s *stubTctl) recorded(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(s.record, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

// atTerminal runs the program as for a person, whose tctl is the stub; nil means that there is none.
func (b *bench) atTerminal(t *testing.T, stub *stubTctl, args ...string) outcome {
	t.Helper()
	return runWith(t, func(f *cmd.Factory) {
		f.Issuer = lab.Fetcher(b.plane)
		f.Streams.InTTY, f.Streams.ErrTTY, f.Streams.Width = true, true, 2000
		f.Tctl = func() (string, error) {
			if stub == nil {
				return "", os.ErrNotExist
			}
			return stub.path, nil
		}
	}, "", append(args, "--non-interactive=false")...)
}
