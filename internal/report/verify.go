package report

import (
	"io"
	"time"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/proof"
)

// Verify is all that a run of verify came to know, as far as it came.
type Verify struct {
	// Version is tbotctl's own.
	Version string
	Target  VerifyTarget
	// Runtime is embedded, binary or pod; empty for a proof by evidence.
	Runtime string
	// Proof is nil where the join itself was not proven; ProofErr is why.
	Proof    *proof.Result
	ProofErr error
	// Refusal explains ProofErr where Teleport turned the join down, or a policy of the cluster the pod, Outputs by their name what is wrong with an output.
	Refusal *checks.Refusal
	Outputs map[string]checks.Refusal
	// Pod is what the pod itself showed, with --runtime pod.
	Pod VerifyPod
	// Evidence are the checks of --evidence.
	Evidence []checks.Result
	// Instance says what became of the bot instance that the join made; its ID is empty where none was.
	Instance VerifyInstance
	// Written are the folders of --write, by the output's name, and Until when what is in them ends.
	Written map[string]string
	Until   time.Time
	// Clusters are the answers of the clusters that the outputs reach; nil where they were not asked.
	Clusters []VerifyCluster
	// NotTested says what this run could not show, and what would.
	NotTested []string
	Err       error
	// Contrary tells that Err is something found out, and not a look that was impossible.
	Contrary bool
}

// VerifyTarget is what was verified. What is not known is empty.
type VerifyTarget struct {
	// Context is the kubeconfig's; Deployment is namespace/name, Config says where the tbot.yaml came from.
	Context, Deployment, Config       string
	ServiceAccount                    string
	Proxy, ClusterName, ServerVersion string
}

// VerifyPod is a run of the Deployment's pod template.
type VerifyPod struct {
	// Job, Pod and Node name where it ran, Image is the image with its digest; empty where it did not come to that.
	Job, Pod, Node, Image string
	Steps                 []VerifyStep
}

// VerifyStep is one thing that a pod has shown: that it works where both fields are empty.
type VerifyStep struct {
	What     string
	Err      error
	Untested string
}

// VerifyInstance is the bot instance that a join made.
type VerifyInstance struct {
	ID      string
	Removed bool
	// Why it was not removed.
	Why string
}

// Failed tells whether something was contrary to what is wanted: the join, an output, or a place that the pod may not write to.
func (v Verify) Failed() bool {
	return v.Failures() > 0
}

// Failures counts what is contrary.
func (v Verify) Failures() int {
	n := 0
	if v.ProofErr != nil {
		n++
	}
	for _, result := range v.Evidence {
		if result.Finding.Status == checks.Fail {
			n++
		}
	}
	return n + len(v.Outputs) + v.failedClusters()
}

type verifyDocument struct {
	SchemaVersion int              `json:"schemaVersion"`
	Tool          toolJSON         `json:"tool"`
	Target        verifyTargetJSON `json:"target"`
	// Status is proven, evidence, failed or unknown.
	Status    string              `json:"status"`
	Runtime   string              `json:"runtime,omitempty"`
	Proof     *proofJSON          `json:"proof,omitempty"`
	Pod       *verifyPodJSON      `json:"pod,omitempty"`
	Instance  *verifyInstanceJSON `json:"instance,omitempty"`
	Written   []verifyWrittenJSON `json:"written,omitempty"`
	Checks    []checkJSON         `json:"checks"`
	NotTested []string            `json:"notTested"`
	Error     string              `json:"error,omitempty"`

	Clusters *[]verifyClusterJSON `json:"clusters,omitempty"`
}

type verifyTargetJSON struct {
	Context        string `json:"context"`
	Deployment     string `json:"deployment"`
	Config         string `json:"config"`
	ServiceAccount string `json:"serviceAccount"`
	Proxy          string `json:"proxy"`
	ClusterName    string `json:"clusterName"`
	ServerVersion  string `json:"serverVersion"`
}

type verifyPodJSON struct {
	Job   string          `json:"job"`
	Pod   string          `json:"pod"`
	Node  string          `json:"node"`
	Image string          `json:"image"`
	Steps []stepOfPodJSON `json:"steps"`
}

// stepOfPodJSON is one thing that the pod has shown; Status is possible, refused or untested.
type stepOfPodJSON struct {
	What   string `json:"what"`
	Status string `json:"status"`
	Why    string `json:"why,omitempty"`
}

type verifyInstanceJSON struct {
	ID      string `json:"id"`
	Removed bool   `json:"removed"`
	Why     string `json:"why,omitempty"`
}

type verifyWrittenJSON struct {
	Output string `json:"output"`
	Folder string `json:"folder"`
	Until  string `json:"until"`
}

// JSON writes the one document of `verify -o json`.
func (v Verify) JSON(w io.Writer) error {
	document := verifyDocument{
		SchemaVersion: SchemaVersion, Tool: toolJSON{Name: "tbotctl", Version: v.Version},
		Target: verifyTargetJSON(v.Target), Status: v.status(), Runtime: v.Runtime,
		Checks: checksJSON(v.Evidence), NotTested: orEmpty(v.NotTested),
		Clusters: clustersJSON(v.Clusters),
	}
	if v.Runtime != "" {
		proven := proofOf(v.Proof, v.ProofErr, v.Refusal, v.Outputs)
		document.Proof = &proven
	}
	document.Pod = podOf(v.Pod)
	if v.Instance.ID != "" {
		document.Instance = &verifyInstanceJSON{ID: v.Instance.ID, Removed: v.Instance.Removed, Why: v.Instance.Why}
	}
	for _, name := range sortedKeys(v.Written) {
		document.Written = append(document.Written, verifyWrittenJSON{Output: name, Folder: v.Written[name], Until: timestamp(v.Until)})
	}
	if v.Err != nil {
		document.Error = v.Err.Error()
	}
	return writeJSON(w, document)
}

func podOf(p VerifyPod) *verifyPodJSON {
	if p.Job == "" {
		return nil
	}
	document := &verifyPodJSON{Job: p.Job, Pod: p.Pod, Node: p.Node, Image: p.Image, Steps: []stepOfPodJSON{}}
	for _, step := range p.Steps {
		one := stepOfPodJSON{What: step.What, Status: "possible", Why: step.Untested}
		switch {
		case step.Err != nil:
			one.Status, one.Why = "refused", step.Err.Error()
		case step.Untested != "":
			one.Status = "untested"
		}
		document.Steps = append(document.Steps, one)
	}
	return document
}

// status is the one word of a run.
func (v Verify) status() string {
	switch {
	case v.Failed(), v.Contrary:
		return "failed"
	case v.Err != nil:
		return "unknown"
	case v.Runtime == "":
		return ViaEvidence
	}
	return "proven"
}
