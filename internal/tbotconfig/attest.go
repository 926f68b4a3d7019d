package tbotconfig

// Attestors say by what a workload that asks for an SVID is known. Every key is off where it is silent. They are those of Teleport's
// configuration reference and of lib/tbot/workloadidentity/workloadattest.
type Attestors struct {
	Kubernetes KubernetesAttestor `yaml:"kubernetes,omitempty"`
	Podman     SocketAttestor     `yaml:"podman,omitempty"`
	Docker     SocketAttestor     `yaml:"docker,omitempty"`
	Systemd    SystemdAttestor    `yaml:"systemd,omitempty"`
	Sigstore   SigstoreAttestor   `yaml:"sigstore,omitempty"`
	Unix       UnixAttestor       `yaml:"unix,omitempty"`
}

// KubernetesAttestor asks the kubelet of the node for the pod of a process.
type KubernetesAttestor struct {
	Enabled bool    `yaml:"enabled,omitempty"`
	Kubelet Kubelet `yaml:"kubelet,omitempty"`
}

// Kubelet is how to reach a kubelet: at ReadOnlyPort, or at SecurePort, which is 10250 where both are zero.
type Kubelet struct {
	ReadOnlyPort int    `yaml:"read_only_port,omitempty"`
	SecurePort   int    `yaml:"secure_port,omitempty"`
	TokenPath    string `yaml:"token_path,omitempty"`
	CAPath       string `yaml:"ca_path,omitempty"`
	SkipVerify   bool   `yaml:"skip_verify,omitempty"`
	Anonymous    bool   `yaml:"anonymous,omitempty"`
}

// SocketAttestor asks a container engine; Docker's address has a default, Podman's has none.
type SocketAttestor struct {
	Enabled bool   `yaml:"enabled,omitempty"`
	Addr    string `yaml:"addr,omitempty"`
}

// SystemdAttestor asks systemd for the unit of a process.
type SystemdAttestor struct {
	Enabled bool `yaml:"enabled,omitempty"`
}

// SigstoreAttestor looks for signatures of a container's image.
type SigstoreAttestor struct {
	Enabled                       bool       `yaml:"enabled,omitempty"`
	AdditionalRegistries          []Registry `yaml:"additional_registries,omitempty"`
	CredentialsPath               string     `yaml:"credentials_path,omitempty"`
	AllowedPrivateNetworkPrefixes []string   `yaml:"allowed_private_network_prefixes,omitempty"`
}

// Registry is a further place to look for signatures.
type Registry struct {
	Host string `yaml:"host"`
}

// UnixAttestor is always on; the limit is for the checksum of a process's binary, -1 is none.
type UnixAttestor struct {
	BinaryHashMaxSizeBytes int64 `yaml:"binary_hash_max_size_bytes,omitempty"`
}

func (a Attestors) judge(at place) {
	if k := a.Kubernetes; k.Enabled && k.Kubelet.ReadOnlyPort != 0 && k.Kubelet.SecurePort != 0 {
		at.at("kubernetes").at("kubelet").bad("read_only_port and secure_port are both given; leave one of the two out")
	}
	if a.Podman.Enabled {
		at.at("podman").needs("addr", a.Podman.Addr)
	}
}
