package issuer

import "fmt"

// Platform is what the cloud of a managed Kubernetes offers in the place of service account tokens. tbotctl tells of it and sets none
// of it up.
type Platform struct {
	// Name is as Provider has it.
	Name string
	// JoinMethod is Teleport's, Needs what the pod has to have for it, as half a sentence.
	JoinMethod, Needs string
	// Docs is where Teleport describes it.
	Docs string
}

// PlatformOf tells the platform of an issuer, by its host; false where that is none that is known.
//
// Source: Teleport's reference of join methods, "AWS IAM role", "GCP service account" and "Azure managed identity".
func PlatformOf(issuer string) (Platform, bool) {
	const reference = "https://goteleport.com/docs/reference/join-methods/"
	name, _ := Provider(issuer)
	switch name {
	case "EKS":
		return Platform{name, "iam", "an AWS identity of its own, by IAM roles for service accounts (IRSA) or EKS Pod Identity", reference + "#aws-iam-role-iam"}, true
	case "GKE":
		return Platform{name, "gcp", "a Google Cloud service account, by Workload Identity Federation for GKE", reference + "#gcp-service-account-gcp"}, true
	case "AKS":
		return Platform{name, "azure", "a managed identity that is assigned to the virtual machine it runs on", reference + "#azure-managed-identity-azure"}, true
	}
	return Platform{}, false
}

// Lines say it for people: what there is, and where it is described.
func (p Platform) Lines() []string {
	return []string{
		fmt.Sprintf("This is %s. Its own way would be Teleport's join method %s, which copies no keys and needs no issuer; the pod then needs %s.", p.Name, p.JoinMethod, p.Needs),
		fmt.Sprintf("tbotctl does not set that up; Teleport describes it: %s", p.Docs),
	}
}
