package kube

import (
	"cmp"
	"slices"
)

// Context is one context of the merged kubeconfig. All of it is foreign text, as the files hold it.
type Context struct {
	Name string
	// Cluster and User are the names of the entries that the context ties together.
	Cluster, User string
	// Server is the API server's URL; empty where the kubeconfig does not hold the cluster.
	Server string
	// Namespace is empty where the context names none, which means "default".
	Namespace string
	Current   bool
}

// Contexts lists the contexts of the kubeconfig that Options name, or of those in KUBECONFIG merged as kubectl merges them
// (Kubernetes: "Organizing Cluster Access Using kubeconfig Files"): the current one first, then by name. Where there is no
// kubeconfig, as inside a pod, there are none; a file named by --kubeconfig that is missing, and one that cannot be read, is an
// error of kind Config that names the file. Nothing is sent.
func Contexts(o Options) ([]Context, error) {
	raw, _, err := read(o)
	if err != nil {
		return nil, &Error{Kind: Config, Doing: "reading the kubeconfig", Err: err}
	}
	listed := make([]Context, 0, len(raw.Contexts))
	for name, entry := range raw.Contexts {
		found := Context{
			Name: name, Cluster: entry.Cluster, User: entry.AuthInfo, Namespace: entry.Namespace, Current: name == raw.CurrentContext,
		}
		if cluster, ok := raw.Clusters[entry.Cluster]; ok {
			found.Server = cluster.Server
		}
		listed = append(listed, found)
	}
	slices.SortFunc(listed, func(a, b Context) int {
		switch {
		case a.Current:
			return -1
		case b.Current:
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return listed, nil
}
