package manifests

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	"github.com/gravitational/teleport/api/types"
	"google.golang.org/protobuf/encoding/protojson"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// decode fills a resource from its own text, so that what is printed and what is sent cannot differ.
func decode(r Resource) (Resource, error) {
	data, err := yaml.YAMLToJSONStrict(r.YAML)
	if err != nil {
		return Resource{}, fmt.Errorf("the result is not YAML: %w", err)
	}
	switch r.Stage {
	case StageRole:
		if r.Role, err = decodeRole(data); err != nil {
			return Resource{}, err
		}
		r.Kind, r.Name = r.Role.GetKind(), r.Role.GetName()
	case StageBot:
		r.Bot = new(machineidv1.Bot)
		if err := protojson.Unmarshal(data, r.Bot); err != nil {
			return Resource{}, fmt.Errorf("the result is not a bot: %w", err)
		}
		r.Kind, r.Name = r.Bot.GetKind(), r.Bot.GetMetadata().GetName()
	case StageToken:
		if r.Token, err = decodeToken(data); err != nil {
			return Resource{}, err
		}
		r.Kind, r.Name = r.Token.GetKind(), r.Token.GetName()
	case StageNamespace, StageRBAC, StageConfig, StageWorkload, StageTarget:
		r.Object = new(unstructured.Unstructured)
		if err := r.Object.UnmarshalJSON(data); err != nil {
			return Resource{}, fmt.Errorf("the result is not a Kubernetes object: %w", err)
		}
		r.Kind, r.Namespace, r.Name = r.Object.GetKind(), r.Object.GetNamespace(), r.Object.GetName()
	case StageValues:
		r.Kind = "values"
	}
	return r, nil
}

// decodeToken reads a token strictly and holds it to Teleport's own rules (teleport-facts 3.6).
func decodeToken(data []byte) (*types.ProvisionTokenV2, error) {
	token := new(types.ProvisionTokenV2)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(token); err != nil {
		return nil, fmt.Errorf("the result is not a token: %w", err)
	}
	if err := token.CheckAndSetDefaults(); err != nil {
		return nil, fmt.Errorf("teleport would refuse this token: %w", err)
	}
	return token, nil
}

// decodeRole reads a role strictly and holds it to Teleport's own rules, which refuse the guides' role (field-notes P24,
// teleport-facts 9).
func decodeRole(data []byte) (*types.RoleV6, error) {
	role := new(types.RoleV6)
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(role); err != nil {
		return nil, fmt.Errorf("the result is not a role: %w", err)
	}
	if err := role.CheckAndSetDefaults(); err != nil {
		return nil, fmt.Errorf("teleport would refuse this role: %w", err)
	}
	return role, nil
}

// Deployment returns the set's Deployment, decoded strictly: the proof of the join makes its pod from this template.
func (s Set) Deployment() (*appsv1.Deployment, error) {
	for _, r := range s {
		if r.Stage != StageWorkload || r.Kind != "Deployment" {
			continue
		}
		deployment := new(appsv1.Deployment)
		if err := yaml.UnmarshalStrict(r.YAML, deployment); err != nil {
			return nil, fmt.Errorf("reading %s: %w", r.ID(), err)
		}
		return deployment, nil
	}
	return nil, errors.New("there is no Deployment on this side")
}
