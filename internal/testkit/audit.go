package testkit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

// AuditEvent is one finished request to the API server.
type AuditEvent struct {
	User        string
	UserAgent   string
	Verb        string // get, list, watch, create, update, patch, delete, deletecollection
	Group       string // API group, "" for the core one
	Resource    string // "" for a request to no resource, such as /version
	Subresource string
	Namespace   string
	Name        string // "" for a create: the server logs the name of the request's path
	URI         string
	Code        int // HTTP status
	DryRun      bool
}

// Write tells whether the request meant to change something (dry runs included).
func (e AuditEvent) Write() bool {
	return slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, e.Verb)
}

// auditLine is the part that we read of audit.k8s.io/v1 Event
// (https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/).
type auditLine struct {
	Stage      string `json:"stage"`
	RequestURI string `json:"requestURI"`
	Verb       string `json:"verb"`
	UserAgent  string `json:"userAgent"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	ImpersonatedUser *struct {
		Username string `json:"username"`
	} `json:"impersonatedUser"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		APIGroup    string `json:"apiGroup"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code int `json:"code"`
	} `json:"responseStatus"`
}

const auditMarker = "testkit-marker"

// AuditEvents lists the requests of users and service accounts that were answered before the call, in the
// order of their ends; those of the control plane itself and of the kit are left out. Subject access reviews
// and token requests count as writes ("create"): filter by resource.
func (c *ControlPlane) AuditEvents(ctx context.Context) ([]AuditEvent, error) {
	if !c.options.Audit {
		return nil, errors.New("this control plane keeps no audit log: set Options.Audit")
	}
	// An event may be written a moment after its response. The log is in order, so once a request of our own
	// is in it, all earlier ones are.
	marker := auditMarker + "=" + rand.Text()
	err := c.client.Discovery().RESTClient().Get().RequestURI("/version?" + marker).Do(ctx).Error()
	if err != nil {
		return nil, fmt.Errorf("marking the audit log: %w", err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		log, err := os.ReadFile(c.auditFile())
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		if bytes.Contains(log, []byte(marker)) {
			return parseAudit(log)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for the audit log: %w", context.Cause(ctx))
		}
	}
}

func parseAudit(log []byte) ([]AuditEvent, error) {
	var events []AuditEvent
	lines := bytes.Split(log, []byte("\n"))
	for _, line := range lines[:len(lines)-1] { // what follows the last line end is being written
		var e auditLine
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		if e.Stage != "ResponseComplete" || strings.Contains(e.RequestURI, auditMarker) {
			continue
		}
		uri, err := url.ParseRequestURI(e.RequestURI)
		if err != nil {
			return nil, fmt.Errorf("reading the audit log: %w", err)
		}
		user := e.User.Username
		if e.ImpersonatedUser != nil {
			user = e.ImpersonatedUser.Username
		}
		events = append(events, AuditEvent{
			User: user, UserAgent: e.UserAgent, Verb: e.Verb,
			Group: e.ObjectRef.APIGroup, Resource: e.ObjectRef.Resource, Subresource: e.ObjectRef.Subresource,
			Namespace: e.ObjectRef.Namespace, Name: e.ObjectRef.Name,
			URI: e.RequestURI, Code: e.ResponseStatus.Code,
			DryRun: uri.Query().Has("dryRun"),
		})
	}
	return events, nil
}
