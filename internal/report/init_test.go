package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/golden"
	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/report"
	"github.com/tbotctl/tbotctl/internal/spec"
)

func document(t *testing.T, i report.Init) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := i.JSON(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestDocumentOfARun(t *testing.T) {
	t.Parallel()
	golden.Assert(t, "init.json", document(t, sampleInit()))
}

func TestDocumentOfARunThatFailed(t *testing.T) {
	t.Parallel()
	failed := sampleInit()
	failed.Proof, failed.ProofErr, failed.Err = nil, errors.New("teleport refuses the join: <token> not found"), errors.New("the join is refused; 2 resources were written")
	failed.Public = issuer.PublicResult{Kind: issuer.FailurePrivateAddress, Detail: "10.0.0.1", SeenFrom: "this machine"}
	failed.Next = nil
	golden.Assert(t, "init-failed.json", document(t, failed))
}

// A run that came nowhere still gives one document of the same shape: lists are empty, never null, so that scripts can loop.
func TestDocumentOfNothing(t *testing.T) {
	t.Parallel()
	for name, i := range map[string]report.Init{
		"nothing at all":      {Err: errors.New("the kubeconfig holds no such context")},
		"the answers alone":   {Setup: spec.Default()},
		"answers, unresolved": {Setup: spec.Setup{Name: "tbot", Access: spec.AccessNone}, Choice: issuer.Choice{Type: spec.JoinOIDC}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := document(t, i)
			if bytes.Contains(text, []byte("null")) {
				t.Errorf("the document holds a null: %s", text)
			}
			var got map[string]any
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"schemaVersion", "setup", "discovery", "joinType", "resources", "proof", "checks", "next"} {
				if _, found := got[key]; !found {
					t.Errorf("the document lacks %s: %s", key, text)
				}
			}
			if text, isText := got["error"].(string); (i.Err != nil) != isText || i.Err != nil && text != i.Err.Error() {
				t.Errorf("error %v, want %v", got["error"], i.Err)
			}
		})
	}
	golden.Assert(t, "init-nothing.json", document(t, report.Init{Setup: spec.Default(), Err: errors.New("the kubeconfig holds no such context")}))
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := sampleInit().Table(&out); err != nil {
		t.Fatal(err)
	}
	golden.Assert(t, "init-table.txt", out.Bytes())

	evident := sampleInit()
	evident.Proof.Via, evident.Proof.From = report.ViaEvidence, "the running pod tbot-1"
	out.Reset()
	if err := evident.Table(&out); err != nil || !strings.Contains(out.String(), "Proof:            by evidence of the running pod tbot-1\n") {
		t.Errorf("error %v, the table says of evidence:\n%s", err, out.String())
	}
	if !strings.Contains(string(document(t, evident)), `"status": "evidence"`) {
		t.Error("the document does not tell evidence from a join that was made")
	}

	bare := sampleInit()
	bare.Setup.Access, bare.Setup.Teleport.Roles, bare.Proof, bare.Next = spec.AccessNone, nil, nil, nil
	out.Reset()
	if err := bare.Table(&out); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"no roles"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the table lacks %q:\n%s", part, out.String())
		}
	}
	for _, part := range []string{"Output:", "Proof:", "Next:"} {
		if strings.Contains(out.String(), part) {
			t.Errorf("the table holds %q:\n%s", part, out.String())
		}
	}
}

func TestFullDiskIsAnError(t *testing.T) {
	t.Parallel()
	if err := sampleInit().JSON(fullDisk{}); !errors.Is(err, errFull) {
		t.Errorf("JSON: error %v, want that of the writer", err)
	}
	if err := sampleInit().Table(fullDisk{}); !errors.Is(err, errFull) {
		t.Errorf("Table: error %v, want that of the writer", err)
	}
}

var errFull = errors.New("no space left on device")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }
