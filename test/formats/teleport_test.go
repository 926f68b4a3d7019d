package formats_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/tbotctl/tbotctl/manifests"
)

// same compares what came back with the resource of the set. Labels are the formats' own business.
func same(t *testing.T, want manifests.Resource, got any) {
	t.Helper()
	var ours any
	switch {
	case want.Role != nil:
		role := *want.Role
		role.Metadata.Labels = nil
		ours = plain(t, &role)
	case want.Token != nil:
		token := *want.Token
		token.Metadata.Labels = nil
		ours = plain(t, &token)
	case want.Bot != nil:
		ours = botText(t, want.Bot.GetMetadata().GetName(), want.Bot.GetSpec())
	}
	theirs := got
	switch g := got.(type) {
	case *types.RoleV6:
		role := *g
		role.Metadata.Labels = nil
		theirs = plain(t, &role)
	case *types.ProvisionTokenV2:
		token := *g
		token.Metadata.Labels = nil
		theirs = plain(t, &token)
	case *machineidv1.Bot:
		theirs = botText(t, g.GetMetadata().GetName(), g.GetSpec())
	}
	if diff := cmp.Diff(ours, theirs); diff != "" {
		t.Errorf("%s (-set +format):\n%s", want.ID(), diff)
	}
}

func botText(t *testing.T, name string, body *machineidv1.BotSpec) any {
	t.Helper()
	text, err := protojson.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"name": name, "spec": plain(t, json.RawMessage(text))}
}

// strictly reads JSON into a type of Teleport's and fails for a field that it does not have.
func strictly(t *testing.T, text []byte, into any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

func checked[T any](t *testing.T, resource T, check func() error) T {
	t.Helper()
	if err := check(); err != nil {
		t.Fatal(err)
	}
	return resource
}
