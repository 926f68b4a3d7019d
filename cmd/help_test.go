package cmd_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"google.golang.org/protobuf/encoding/protojson"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func reader(text string) io.Reader { return strings.NewReader(text) }

// create does what `tctl create` does with a stream: it reads each document by its kind, strictly, and stores it.
func create(t *testing.T, cluster *teleporttest.Cluster, stream string) {
	t.Helper()
	for _, document := range strings.Split(stream, "---\n") {
		encoded, err := yaml.YAMLToJSONStrict([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case bytes.Contains(encoded, []byte(`"kind":"bot"`)):
			bot := &machineidv1.Bot{}
			if err := protojson.Unmarshal(encoded, bot); err != nil {
				t.Fatal(err)
			}
			cluster.PutBot(bot)
		case bytes.Contains(encoded, []byte(`"kind":"token"`)):
			token := &types.ProvisionTokenV2{}
			if err := yaml.UnmarshalStrict([]byte(document), token); err != nil {
				t.Fatal(err)
			}
			if err := token.CheckAndSetDefaults(); err != nil {
				t.Fatal(err)
			}
			cluster.PutToken(token)
		default:
			t.Fatalf("tctl would not know this document:\n%s", document)
		}
	}
}

// quotaCounts waits until the quota controller has taken the quota up.
func quotaCounts(b *bench) func(context.Context) error {
	return func(ctx context.Context) error {
		quota, err := b.plane.Client().CoreV1().ResourceQuotas(b.namespace).Get(ctx, "no-pods", metav1.GetOptions{})
		if err == nil && len(quota.Status.Hard) == 0 {
			err = fmt.Errorf("no status yet")
		}
		return err
	}
}

func TestHelpNeedsNothing(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"help"}, {"init", "--help"}, {"render", "--help"}, {"example", "--help"}, {"permissions", "--help"}, {"permissions", "verify", "--help"}, {"help", "exit-codes"}, {"help", "environment"}, {"version"}, {"version", "-o", "json"}, {"completion", "bash"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			got := runWith(t, noClusters(t), "", args...)
			got.want(t, 0)
			if got.stdout == "" || got.stderr != "" {
				t.Errorf("stdout %q, stderr %q; want help on stdout", got.stdout, got.stderr)
			}
		})
	}
}
