package kube

import (
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// Provider is who runs a Kubernetes cluster, or what has set it up. It is a help for people: nothing may hang on it. The names of
// managed Kubernetes are those of issuer.Provider, which knows by the issuer and says what follows for the signing keys.
type Provider string

// The providers that are recognised; whatever else it is, and what cannot be told, is ProviderUnknown.
const (
	ProviderUnknown   Provider = ""
	ProviderEKS       Provider = "EKS"
	ProviderGKE       Provider = "GKE"
	ProviderAKS       Provider = "AKS"
	ProviderOpenShift Provider = "OpenShift"
	ProviderKind      Provider = "kind"
	ProviderK3s       Provider = "k3s"
	ProviderKubeadm   Provider = "kubeadm"
)

// evidence is what a provider is recognised by. All of it may be missing.
type evidence struct {
	// server is the API server's URL.
	server string
	// version is gitVersion of /version.
	version string
	// context and cluster are the names in the kubeconfig, which anybody may choose.
	context, cluster string
	// openShift and kubeadm tell that the server holds what only these make.
	openShift, kubeadm bool
}

// The hosts of managed API servers. EKS: its user guide, "Cluster API server endpoint" (other partitions, dual stack); AKS: its
// guide, "Create a private AKS cluster" (public clouds of Azure, private zones are subdomains); GKE has names only for its
// DNS-based endpoints.
var (
	eksServer = regexp.MustCompile(`\.(eks\.amazonaws\.com(\.cn)?|eks\.amazonwebservices\.com\.cn|[a-z]{2}(-[a-z]+)+-[0-9]\.api\.(aws|amazonwebservices\.com\.cn))$`)
	aksServer = regexp.MustCompile(`\.(azmk8s\.io|cx\.prod\.service\.azk8s\.cn|cx\.aks\.containerservice\.azure\.us)$`)
	gkeServer = regexp.MustCompile(`\.gke\.goog$`)
)

// upstream is a version as Kubernetes itself releases it, which kubeadm and kind install.
var upstream = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-(alpha|beta|rc)\.[0-9]+)?$`)

// recognise goes from what a provider alone can make to what anybody may have typed. The version comes first: it is the server's
// own word, also behind a gateway that has an address of its own.
func recognise(e evidence) Provider {
	host := hostOf(e.server)
	switch {
	case strings.Contains(e.version, "-eks-"):
		return ProviderEKS
	case strings.Contains(e.version, "-gke."):
		return ProviderGKE
	case strings.Contains(e.version, "+k3s"):
		return ProviderK3s
	case e.openShift:
		return ProviderOpenShift
	case eksServer.MatchString(host):
		return ProviderEKS
	case aksServer.MatchString(host):
		return ProviderAKS
	case gkeServer.MatchString(host):
		return ProviderGKE
	case e.version != "" && !upstream.MatchString(e.version):
		// Somebody's own build: no name in a kubeconfig makes it one of those below.
		return ProviderUnknown
	case isLocal(host) && (strings.HasPrefix(e.context, "kind-") || strings.HasPrefix(e.cluster, "kind-")):
		// kind names context, cluster and user kind-NAME and publishes its port on the own machine (kind: "Quick Start").
		return ProviderKind
	case e.kubeadm:
		return ProviderKubeadm
	}
	return ProviderUnknown
}

// mayBeOpenShift tells that it is worth asking: OpenShift 4 adds a build to the version, as in v1.29.6+aba1e8d.
func (e evidence) mayBeOpenShift() bool {
	_, build, built := strings.Cut(e.version, "+")
	return built && openShiftBuild.MatchString(build)
}

var openShiftBuild = regexp.MustCompile(`^[0-9a-f]{7,12}$`)

// mayBeKubeadm tells that it is worth asking.
func (e evidence) mayBeKubeadm() bool { return upstream.MatchString(e.version) }

func hostOf(server string) string {
	u, err := url.Parse(server)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func isLocal(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (address.IsLoopback() || address.IsUnspecified())
}
