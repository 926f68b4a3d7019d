package undo_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	headerv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/header/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	types "github.com/gravitational/teleport/api/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubetypes "k8s.io/apimachinery/pkg/types"

	"github.com/tbotctl/tbotctl/internal/apply"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/undo"
	"github.com/tbotctl/tbotctl/manifests"
)

// site stands for both clusters and writes down what is deleted. The real clusters are asked by the tests of cmd; here is what
// cannot be brought about there at will.
type site struct {
	objects  map[string]*unstructured.Unstructured // by kind and name
	secrets  map[string]*metav1.PartialObjectMetadata
	pods     []corev1.Pod
	contents []metav1.PartialObjectMetadata
	bots     map[string]*machineidv1.Bot
	roles    map[string]*types.RoleV6
	tokens   map[string]*types.ProvisionTokenV2
	// fails are the errors of calls, by their name.
	fails map[string]error
	// during runs while the token is being deleted.
	during func()
	// holds makes an object outlive its deletion.
	holds   func(*unstructured.Unstructured) bool
	deleted []string
}

var errBroken = errors.New("broken, in the server's words")

func setup() spec.Setup {
	s := spec.Default()
	s.Kubernetes.Namespace = "machines"
	s = s.WithClusterID("1a2b3c4d")
	s.Resolved = &spec.Resolved{ClusterName: "lab.example.com", ClusterID: "1a2b3c4d", Image: s.Workload.ImageFor("18.2.0", false), JoinType: spec.JoinInCluster}
	return s
}

// installed is a site as init leaves it.
func installed(t *testing.T) *site {
	t.Helper()
	s := setup()
	s.Teleport.Proxy, s.Teleport.Roles, s.Kubernetes.CreateNamespace = "example.com:443", []string{"access"}, true
	set, err := manifests.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	at := &site{
		objects: map[string]*unstructured.Unstructured{}, secrets: map[string]*metav1.PartialObjectMetadata{},
		bots: map[string]*machineidv1.Bot{}, roles: map[string]*types.RoleV6{}, tokens: map[string]*types.ProvisionTokenV2{}, fails: map[string]error{},
	}
	for _, resource := range set {
		switch {
		case resource.Object != nil:
			resource.Object.SetUID(kubetypes.UID("uid of " + resource.ID()))
			at.objects[resource.Kind+" "+resource.Name] = resource.Object
		case resource.Role != nil:
			at.roles[resource.Name] = resource.Role
		case resource.Bot != nil:
			at.bots[resource.Name] = resource.Bot
		default:
			at.tokens[resource.Name] = resource.Token
		}
	}
	return at
}

func (s *site) look(t *testing.T, purge bool) undo.Inventory {
	t.Helper()
	found, err := undo.Look(t.Context(), undo.Target{Setup: setup(), PurgeOutputs: purge}, s, s)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// runner's clock gains a second with each look at it.
func (s *site) runner(events *[]apply.Event) undo.Runner {
	now := time.Unix(0, 0)
	return undo.Runner{
		Kubernetes: s, Teleport: s,
		Observe: func(e apply.Event) { *events = append(*events, e) },
		Now:     func() time.Time { now = now.Add(time.Second); return now },
	}
}

func (s *site) Read(_ context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	return s.objects[object.GetKind()+" "+object.GetName()], s.fails["Read "+object.GetKind()]
}

func (s *site) List(_ context.Context, kind schema.GroupVersionKind, _, selector string) ([]unstructured.Unstructured, error) {
	label, value, _ := strings.Cut(selector, "=")
	var found []unstructured.Unstructured
	for _, object := range s.objects {
		if object.GetKind() == kind.Kind && object.GetLabels()[label] == value {
			found = append(found, *object)
		}
	}
	return found, s.fails["List "+kind.Kind]
}

func (s *site) Pods(context.Context, string, string) ([]corev1.Pod, error) {
	return s.pods, s.fails["Pods"]
}

func (s *site) SecretMetadata(_ context.Context, _, name string) (*metav1.PartialObjectMetadata, error) {
	return s.secrets[name], s.fails["SecretMetadata"]
}

func (s *site) SecretsMetadata(_ context.Context, namespace, _ string) ([]metav1.PartialObjectMetadata, error) {
	var found []metav1.PartialObjectMetadata
	for _, secret := range s.secrets {
		if secret.Namespace == namespace {
			found = append(found, *secret)
		}
	}
	return found, s.fails["SecretsMetadata"]
}

func (s *site) Contents(context.Context, string) ([]metav1.PartialObjectMetadata, error) {
	return s.contents, s.fails["Contents"]
}

func (s *site) Delete(_ context.Context, object *unstructured.Unstructured, dryRun bool) (bool, error) {
	key := object.GetKind() + " " + object.GetName()
	if err := s.fails["Delete "+object.GetKind()]; err != nil || dryRun {
		return err == nil, err
	}
	_, found := s.objects[key]
	if object.GetKind() == "Secret" {
		_, found = s.secrets[object.GetName()]
		delete(s.secrets, object.GetName())
	}
	s.deleted = append(s.deleted, key)
	if s.holds == nil || !s.holds(object) {
		delete(s.objects, key)
	}
	return found, nil
}

func (s *site) Bot(_ context.Context, name string) (*machineidv1.Bot, error) {
	return s.bots[name], s.fails["Bot"]
}

func (s *site) Bots(context.Context) ([]*machineidv1.Bot, error) {
	var all []*machineidv1.Bot
	for _, bot := range s.bots {
		all = append(all, bot)
	}
	return all, s.fails["Bots"]
}

func (s *site) Token(_ context.Context, name string) (*types.ProvisionTokenV2, error) {
	return s.tokens[name], s.fails["Token"]
}

func (s *site) Role(_ context.Context, name string) (*types.RoleV6, error) {
	return s.roles[name], s.fails["Role"]
}

func (s *site) DeleteRole(_ context.Context, name string) error {
	s.deleted = append(s.deleted, "role "+name)
	if err := s.fails["DeleteRole"]; err != nil {
		return err
	}
	delete(s.roles, name)
	return nil
}

func (s *site) DeleteBot(_ context.Context, name string) error {
	s.deleted = append(s.deleted, "bot "+name)
	if err := s.fails["DeleteBot"]; err != nil {
		return err
	}
	delete(s.bots, name)
	return nil
}

func (s *site) DeleteToken(ctx context.Context, name string) error {
	if s.during != nil {
		s.during()
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.deleted = append(s.deleted, "token "+name)
	if err := s.fails["DeleteToken"]; err != nil {
		return err
	}
	delete(s.tokens, name)
	return nil
}

// item gives the one item of a kind.
func item(t *testing.T, found undo.Inventory, kind string) undo.Item {
	t.Helper()
	i := slices.IndexFunc(found.Items, func(i undo.Item) bool { return i.Kind == kind })
	if i < 0 {
		t.Fatalf("no %s in %+v", kind, found.Items)
	}
	return found.Items[i]
}

func ids(items []undo.Item) []string {
	names := make([]string, len(items))
	for i, item := range items {
		names[i] = item.ID()
	}
	return names
}

func markedBot(name, install string) *machineidv1.Bot {
	return &machineidv1.Bot{Metadata: &headerv1.Metadata{Name: name, Labels: map[string]string{spec.MarkInstall: install}}}
}
