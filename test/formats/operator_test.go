package formats_test

import (
	"encoding/json"
	"strings"
	"testing"

	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// TestOperatorResourcesStandForTheSet turns each custom resource into what the operator sends to Teleport: kind and version by the name of
// its kind, name and labels by its metadata, and its spec as it is (teleport, integrations/operator/apis/resources).
func TestOperatorResourcesStandForTheSet(t *testing.T) {
	t.Parallel()
	for name, setup := range setups(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, files := formatted(t, setup, spec.KubeManifests, spec.TeleportOperator)
			resources := set.Side(spec.SideTeleport)
			documents := strings.Split(string(files[manifests.OperatorFile]), "\n---\n")
			if len(documents) != len(resources) {
				t.Fatalf("%d custom resources for %d resources", len(documents), len(resources))
			}
			for i, resource := range resources {
				custom := read(t, []byte(documents[i]))
				if at(t, custom, "metadata", "namespace") != "teleport" || at(t, custom, "metadata", "annotations", spec.MarkInstall) != setup.InstallID() {
					t.Errorf("%s: metadata %v", resource.ID(), custom["metadata"])
				}
				labels := at(t, custom, "metadata", "labels").(map[string]any)
				if len(labels) != 1 || labels[spec.MarkOwner] != manifests.OwnerOperator {
					t.Errorf("%s: labels %v", resource.ID(), labels)
				}
				same(t, resource, made(t, at(t, custom, "apiVersion").(string)+" "+at(t, custom, "kind").(string), at(t, custom, "metadata", "name").(string), custom["spec"]))
			}
		})
	}
}

// made is what Teleport gets for a custom resource.
func made(t *testing.T, kind, name string, body any) any {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	switch kind {
	case "resources.teleport.dev/v1 TeleportRoleV7", "resources.teleport.dev/v1 TeleportRoleV8":
		role := &types.RoleV6{Kind: types.KindRole, Version: map[bool]string{true: types.V7, false: types.V8}[strings.HasSuffix(kind, "V7")], Metadata: types.Metadata{Name: name}}
		strictly(t, text, &role.Spec)
		return checked(t, role, role.CheckAndSetDefaults)
	case "resources.teleport.dev/v1 TeleportBotV1":
		bot := &machineidv1.Bot{Kind: types.KindBot, Version: types.V1, Metadata: &headerv1.Metadata{Name: name}, Spec: new(machineidv1.BotSpec)}
		if err := protojson.Unmarshal(text, bot.Spec); err != nil {
			t.Fatal(err)
		}
		return bot
	case "resources.teleport.dev/v2 TeleportProvisionToken":
		token := &types.ProvisionTokenV2{Kind: types.KindToken, Version: types.V2, Metadata: types.Metadata{Name: name}}
		strictly(t, text, &token.Spec)
		return checked(t, token, token.CheckAndSetDefaults)
	}
	t.Fatalf("the operator knows no %s", kind)
	return nil
}
