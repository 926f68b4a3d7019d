package formats_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gravitational/teleport/api/types"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// module reads a main.tf: the attributes of its resources, evaluated, by type and name, and the provider's requirement. Nothing in it may
// refer to anything: it stands alone.
func module(t *testing.T, text []byte) (resources map[[2]string]map[string]any, provider map[string]any) {
	t.Helper()
	file, problems := hclparse.NewParser().ParseHCL(text, "main.tf")
	if problems.HasErrors() {
		t.Fatalf("%v in\n%s", problems, text)
	}
	resources = map[[2]string]map[string]any{}
	for _, block := range file.Body.(*hclsyntax.Body).Blocks {
		switch block.Type {
		case "terraform":
			provider = evaluated(t, block.Body.Blocks[0].Body.Attributes)["teleport"].(map[string]any)
		case "resource":
			resources[[2]string{block.Labels[0], block.Labels[1]}] = evaluated(t, block.Body.Attributes)
		default:
			t.Errorf("a block %s", block.Type)
		}
	}
	return resources, provider
}

func evaluated(t *testing.T, attributes hclsyntax.Attributes) map[string]any {
	t.Helper()
	values := map[string]any{}
	for name, attribute := range attributes {
		value, problems := attribute.Expr.Value(new(hcl.EvalContext))
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		text, err := ctyjson.Marshal(value, cty.DynamicPseudoType)
		if err != nil {
			t.Fatal(err)
		}
		var typed struct{ Value any }
		if err := json.Unmarshal(text, &typed); err != nil {
			t.Fatal(err)
		}
		values[name] = typed.Value
	}
	return values
}

// TestTerraformStandsForTheSet holds that the module's values are those of the resources that init would make, by the names of the
// provider's schema, and that it is written as `terraform fmt` writes.
func TestTerraformStandsForTheSet(t *testing.T) {
	t.Parallel()
	for name, setup := range setups(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, files := formatted(t, setup, spec.KubeManifests, spec.TeleportTerraform)
			text := files[manifests.TerraformFile]
			if diff := cmp.Diff(string(hclwrite.Format(text)), string(text)); diff != "" {
				t.Errorf("terraform fmt would change it (-fmt +written):\n%s", diff)
			}
			resources, provider := module(t, text)
			if provider["source"] != "terraform.releases.teleport.dev/gravitational/teleport" || provider["version"] != "~> "+setup.Resolved.ServerVersion {
				t.Errorf("provider %v", provider)
			}
			if len(resources) != len(set.Side(spec.SideTeleport)) {
				t.Errorf("resources %v", slices.Collect(maps.Keys(resources)))
			}
			for key, attributes := range resources {
				sameAttributes(t, set, setup, key[0], attributes)
			}
		})
	}
}

func sameAttributes(t *testing.T, set manifests.Set, setup spec.Setup, kind string, attributes map[string]any) {
	t.Helper()
	old := attributes["roles"] != nil
	if old {
		if kind != "teleport_bot" || setup.Resolved.ServerVersion > "18.4" || len(attributes) != 2 {
			t.Errorf("%s is in the older form on %s: %v", kind, setup.Resolved.ServerVersion, attributes)
		}
		attributes = map[string]any{"version": "v1", "metadata": map[string]any{"name": attributes["name"]}, "spec": map[string]any{"roles": attributes["roles"]}}
	} else if len(attributes) != 3 {
		t.Errorf("%s has %v", kind, attributes)
	}
	name := at(t, attributes, "metadata", "name").(string)
	version := at(t, attributes, "version").(string)
	want := map[string]any{spec.MarkInstall: setup.InstallID(), spec.MarkOwner: manifests.OwnerTerraform}
	if !old {
		if diff := cmp.Diff(want, at(t, attributes, "metadata", "labels")); diff != "" {
			t.Errorf("%s: labels (-want +got):\n%s", kind, diff)
		}
	}
	custom := map[string]string{
		"teleport_bot v1": "resources.teleport.dev/v1 TeleportBotV1", "teleport_provision_token v2": "resources.teleport.dev/v2 TeleportProvisionToken",
		"teleport_role v7": "resources.teleport.dev/v1 TeleportRoleV7", "teleport_role v8": "resources.teleport.dev/v1 TeleportRoleV8",
	}[kind+" "+version]
	teleport := map[string]string{"teleport_bot": types.KindBot, "teleport_provision_token": types.KindToken, "teleport_role": types.KindRole}[kind]
	for _, resource := range set {
		if resource.Kind == teleport {
			same(t, resource, made(t, custom, name, attributes["spec"]))
			return
		}
	}
	t.Errorf("the set has no %s", kind)
}
