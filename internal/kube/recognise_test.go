package kube

import "testing"

func TestRecognise(t *testing.T) {
	t.Parallel()
	const here = "https://127.0.0.1:40123"
	for name, row := range map[string]struct {
		evidence evidence
		want     Provider
	}{
		"EKS by its version":                     {evidence{version: "v1.33.1-eks-595af52"}, ProviderEKS},
		"EKS by its version, through a gateway":  {evidence{server: "https://rancher.example.com/k8s/clusters/c-1", version: "v1.31.7-eks-473151a"}, ProviderEKS},
		"EKS by its host":                        {evidence{server: "https://0123456789ABCDEF.gr7.us-west-2.eks.amazonaws.com"}, ProviderEKS},
		"EKS in China":                           {evidence{server: "https://ABC.yl4.cn-north-1.eks.amazonaws.com.cn"}, ProviderEKS},
		"EKS with both address families":         {evidence{server: "https://prod-abc.us-gov-west-1.api.aws:443"}, ProviderEKS},
		"an AWS host elsewhere in the name":      {evidence{server: "https://x.eks.amazonaws.com.example.org"}, ProviderUnknown},
		"a host that only ends alike":            {evidence{server: "https://eks.amazonaws.com"}, ProviderUnknown},
		"GKE by its version":                     {evidence{server: "https://203.0.113.7", version: "v1.32.4-gke.1415000"}, ProviderGKE},
		"GKE by its host":                        {evidence{server: "https://gke-0123.europe-west1.gke.goog"}, ProviderGKE},
		"AKS":                                    {evidence{server: "https://prod-abc.hcp.westeurope.azmk8s.io:443", version: "v1.32.4"}, ProviderAKS},
		"AKS, private":                           {evidence{server: "https://prod-abc.0123.privatelink.westeurope.azmk8s.io:443"}, ProviderAKS},
		"AKS set up like kubeadm":                {evidence{server: "https://a.hcp.eastus.azmk8s.io:443", version: "v1.32.4", kubeadm: true}, ProviderAKS},
		"k3s":                                    {evidence{server: here, version: "v1.33.1+k3s1"}, ProviderK3s},
		"k3s named like kind":                    {evidence{server: here, version: "v1.33.1+k3s1", context: "kind-of"}, ProviderK3s},
		"OpenShift":                              {evidence{server: "https://api.crc.example.com:6443", version: "v1.29.6+aba1e8d", openShift: true}, ProviderOpenShift},
		"an unknown build is not OpenShift":      {evidence{version: "v1.29.6+aba1e8d"}, ProviderUnknown},
		"another build named like kind":          {evidence{server: here, version: "v1.33.1+rke2r1", context: "kind-dev"}, ProviderUnknown},
		"another build with a kubeadm ConfigMap": {evidence{version: "v1.33.1+vmware.1", kubeadm: true}, ProviderUnknown},
		"kind":                                   {evidence{server: here, version: "v1.33.1", context: "kind-dev", kubeadm: true}, ProviderKind},
		"kind, its context renamed":              {evidence{server: "https://[::1]:6443", version: "v1.33.1", context: "dev", cluster: "kind-dev"}, ProviderKind},
		"kind that does not answer":              {evidence{server: "https://localhost:6443", context: "kind-dev"}, ProviderKind},
		"a name like kind's far away":            {evidence{server: "https://203.0.113.7:6443", version: "v1.33.1", context: "kind-dev"}, ProviderUnknown},
		"a name that only holds kind":            {evidence{server: here, version: "v1.33.1", context: "mankind-dev"}, ProviderUnknown},
		"kubeadm":                                {evidence{server: "https://203.0.113.7:6443", version: "v1.33.1", context: "kubernetes-admin@kubernetes", kubeadm: true}, ProviderKubeadm},
		"plain":                                  {evidence{server: "https://203.0.113.7:6443", version: "v1.36.3"}, ProviderUnknown},
		"no URL":                                 {evidence{server: "::", version: "v1.36.3"}, ProviderUnknown},
		"nothing":                                {evidence{}, ProviderUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := recognise(row.evidence); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
}

// TestWorthAsking holds that most clusters cost no further request.
func TestWorthAsking(t *testing.T) {
	t.Parallel()
	for version, row := range map[string]struct{ openShift, kubeadm bool }{
		"v1.29.6+aba1e8d":     {openShift: true},
		"v1.36.3":             {kubeadm: true},
		"v1.37.0-rc.1":        {kubeadm: true},
		"v1.33.1-eks-595af52": {},
		"v1.32.4-gke.1415000": {},
		"v1.33.1+k3s1":        {},
		"v1.33.1+rke2r1":      {},
		"":                    {},
	} {
		e := evidence{version: version}
		if e.mayBeOpenShift() != row.openShift || e.mayBeKubeadm() != row.kubeadm {
			t.Errorf("%q: OpenShift %v, kubeadm %v; want %+v", version, e.mayBeOpenShift(), e.mayBeKubeadm(), row)
		}
	}
}
