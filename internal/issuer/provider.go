package issuer

import (
	"net/url"
	"regexp"
	"strings"
)

// The hosts of managed issuers: EKS (IAM OIDC providers, China partition and dual-stack endpoints included) and AKS.
var (
	eksHost = regexp.MustCompile(`^(oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(\.cn)?|oidc-eks\.[a-z0-9-]+\.api\.(aws|amazonwebservices\.com\.cn))$`)
	aksHost = regexp.MustCompile(`^([a-z0-9-]+\.oic|oidc)\.prod-aks\.azure\.(com|cn|us)$`)
)

// Provider names the managed Kubernetes that an issuer belongs to, by its host, and says whether it rotates its signing keys on
// its own. The name is empty for an issuer of no known provider, whose owner decides on rotations.
//
// Sources: the EKS user guide, "Fetch signing keys" (every seven days; field-notes P04); the AKS guide, "Create an OpenID Connect
// provider" (automatically and periodically). GKE changes its keys only with the cluster's credentials.
func Provider(issuer string) (name string, rotates bool) {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" {
		return "", false
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case eksHost.MatchString(host):
		return "EKS", true
	case aksHost.MatchString(host):
		return "AKS", true
	case host == "container.googleapis.com" && strings.HasPrefix(u.Path, "/v1/projects/"):
		return "GKE", false
	}
	return "", false
}
