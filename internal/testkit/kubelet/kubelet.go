// Package kubelet plays the part of a node that kwok does not: it answers for the logs of containers that nothing runs, and lends pods
// an address at which something answers. Test support; the API server in between is the real one.
package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/testkit"
)

// Kubelet is that of testkit's only node. It is safe for concurrent use.
type Kubelet struct {
	plane  *testkit.ControlPlane
	server *httptest.Server

	lock sync.Mutex
	logs map[container][]string
}

type container struct {
	namespace, pod, name string
	previous             bool
}

// Start listens, and tells the API server that this is where the node's kubelet is. There is one for a control plane, which all its
// tests share.
func Start(ctx context.Context, plane *testkit.ControlPlane) (*Kubelet, error) {
	k := &Kubelet{plane: plane, logs: map[container][]string{}}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.serveLog)
	k.server = httptest.NewUnstartedServer(routes)
	k.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	k.server.StartTLS()
	host, port, err := net.SplitHostPort(k.server.Listener.Addr().String())
	if err != nil {
		k.server.Close()
		return nil, err
	}
	// No name among the addresses: the API server would try it first, and nobody knows it.
	status := fmt.Sprintf(`{"status": {"addresses": null, "daemonEndpoints": {"kubeletEndpoint": {"Port": %s}}}}`, port)
	for _, patch := range []string{status, fmt.Sprintf(`{"status": {"addresses": [{"type": "InternalIP", "address": %q}]}}`, host)} {
		if _, err := plane.Client().CoreV1().Nodes().Patch(ctx, testkit.NodeName, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "status"); err != nil {
			k.server.Close()
			return nil, fmt.Errorf("telling where the kubelet is: %w", err)
		}
	}
	return k, nil
}

// Close stops answering.
func (k *Kubelet) Close() { k.server.Close() }

// Say is what a container wrote, or, with previous, the one before its last restart.
func (k *Kubelet) Say(namespace, pod, name string, previous bool, lines ...string) {
	k.lock.Lock()
	defer k.lock.Unlock()
	k.logs[container{namespace, pod, name, previous}] = slices.Clone(lines)
}

// serveLog answers as a kubelet does (Kubernetes: pkg/kubelet, GetKubeletContainerLogs): it counts lines from the end and then bytes
// from the front, and a previous container that has not been is a 400.
func (k *Kubelet) serveLog(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	asked := container{r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container"), query.Get("previous") == "true"}
	k.lock.Lock()
	lines, known := k.logs[asked]
	k.lock.Unlock()
	if asked.previous && !known {
		http.Error(w, fmt.Sprintf("previous terminated container %q in pod %q not found", asked.name, asked.pod), http.StatusBadRequest)
		return
	}
	if tail, err := strconv.Atoi(query.Get("tailLines")); err == nil && tail < len(lines) {
		lines = lines[len(lines)-tail:]
	}
	text := strings.Join(lines, "\n")
	if text != "" {
		text += "\n"
	}
	if limit, err := strconv.Atoi(query.Get("limitBytes")); err == nil && limit < len(text) {
		text = text[:limit]
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, text) // whoever has gone away reads nothing
}

// Answer lends a pod that runs an address of this machine at which handler answers, and gives the port. The API server proxies to no
// loopback address, so ok is false on a machine that has no other.
func (k *Kubelet) Answer(ctx context.Context, pod *corev1.Pod, handler http.Handler) (port int, closeIt func(), ok bool, err error) {
	ip := address()
	if ip == nil {
		return 0, nil, false, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(ip.String(), "0"))
	if err != nil {
		return 0, nil, false, err
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}}
	server.Start()
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"podIP": ip.String(), "podIPs": []any{map[string]any{"ip": ip.String()}}}})
	if err == nil {
		_, err = k.plane.Client().CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	}
	if err != nil {
		server.Close()
		return 0, nil, false, fmt.Errorf("lending pod %s an address: %w", pod.Name, err)
	}
	return listener.Addr().(*net.TCPAddr).Port, server.Close, true, nil
}

func address() net.IP {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addresses {
		if at, ok := a.(*net.IPNet); ok && at.IP.IsGlobalUnicast() && at.IP.To4() != nil {
			return at.IP
		}
	}
	return nil
}
