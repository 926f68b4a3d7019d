package cmd_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

const platformWords = "Teleport's join method"

// discoveredPlatform is what a script reads of the platform.
type discoveredPlatform struct{ Name, JoinMethod, Needs, Docs string }

func platformIn(t *testing.T, got outcome) *discoveredPlatform {
	t.Helper()
	var document struct {
		Discovery struct{ Platform *discoveredPlatform }
	}
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil {
		t.Fatal(err)
	}
	return document.Discovery.Platform
}

// A cluster whose issuer is of a known cloud is told of the cloud's own join method (trap 37), in two lines and in the document; any other
// is not.
func TestInitTellsOfThePlatform(t *testing.T) {
	t.Parallel()
	plane, err := testkit.Start(t.Context(), testkit.Options{Flavour: testkit.CloudLike, Issuer: "https://oidc.eks.eu-central-1.amazonaws.com/id/5F3A"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	eks := benchOn(t, plane, teleporttest.Options{})
	got := eks.run(t, eks.initArgs("-o", "json", "--no-wait")...)
	got.want(t, 0, "oidc: the issuer publishes", "This is EKS", platformWords+" iam", "IRSA", "https://goteleport.com/docs/reference/join-methods/#aws-iam-role-iam")
	if platform := platformIn(t, got); platform == nil || platform.Name != "EKS" || platform.JoinMethod != "iam" || platform.Needs == "" || platform.Docs == "" {
		t.Errorf("the document has %+v", platform)
	}
	if looked := eks.run(t, eks.lookArgs()...); strings.Contains(looked.stdout+looked.stderr, platformWords) {
		t.Error("doctor tells of it too")
	}

	other := newBench(t, testkit.CloudLike, teleporttest.Options{})
	got = other.run(t, other.initArgs("-o", "json", "--no-wait")...)
	got.want(t, 0)
	if strings.Contains(got.stderr, platformWords) {
		t.Error("a cluster of no known cloud is told of one")
	}
	if platform := platformIn(t, got); platform != nil {
		t.Errorf("the document has %+v", platform)
	}
}
