package teleporttest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

func TestContractFindAndPing(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{Version: recorded})
	for path, recording := range map[string]string{"/webapi/find": "webapi-find.json", "/webapi/ping": "webapi-ping.json"} {
		for _, prefix := range []string{"", "/v1"} {
			status, body, header := get(t, c, prefix+path)
			if status != 200 || header.Get("Content-Type") != "application/json" {
				t.Errorf("%s%s: status %d, content type %q", prefix, path, status, header.Get("Content-Type"))
			}
			var want, got any
			readRecording(t, recording, &want)
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatalf("%v: %s", err, body)
			}
			// Only the addresses differ: the recording's port is not ours.
			if diff := cmp.Diff(leaves(want), leaves(got)); diff != "" {
				t.Errorf("%s%s (-recorded +got):\n%s", prefix, path, diff)
			}
		}
	}
}

// leaves flattens JSON to "path = value", with addresses reduced to their host.
func leaves(v any) []string {
	var out []string
	var walk func(path string, v any)
	walk = func(path string, v any) {
		object, ok := v.(map[string]any)
		if !ok {
			out = append(out, fmt.Sprintf("%s = %v", path, hostOnly(fmt.Sprint(v))))
			return
		}
		if len(object) == 0 {
			out = append(out, path+" = {}")
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			walk(path+"."+key, object[key])
		}
	}
	walk("", v)
	return out
}

func hostOnly(s string) string {
	if host, port, err := net.SplitHostPort(s); err == nil && port != "" {
		return host + ":PORT"
	}
	return s
}

func TestPingForConnector(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{Version: recorded})
	status, body, _ := get(t, c, "/webapi/ping/local")
	var answer map[string]any
	if err := json.Unmarshal(body, &answer); err != nil || status != 200 {
		t.Fatalf("status %d, %v: %s", status, err, body)
	}
	if _, ok := answer["min_client_version"]; ok {
		t.Error("the answer for a connector has min_client_version, which 16.0.0-dev leaves out (teleport-facts 1.2)")
	}
	if status, _, _ := get(t, c, "/webapi/ping/no-such-connector"); status != 404 {
		t.Errorf("unknown connector: status %d, want 404", status)
	}
}

func TestUnknownPathIsAPage(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	status, body, header := get(t, c, "/webapi/no-such-endpoint")
	if status != 404 || header.Get("Content-Type") != "text/html; charset=utf-8" || json.Valid(body) {
		t.Errorf("status %d, content type %q, body %q: want an HTML 404 page", status, header.Get("Content-Type"), body)
	}
}

// TestEighteenFind holds the newer answer to teleport-facts 1.2.
func TestEighteenFind(t *testing.T) {
	t.Parallel()
	c := teleporttest.New(t, teleporttest.Options{})
	_, body, _ := get(t, c, "/webapi/find")
	var answer map[string]any
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	auth, ok := answer["auth"].(map[string]any)
	if !ok || auth["signature_algorithm_suite"] != "balanced-v1" {
		t.Errorf("auth = %v, want signature_algorithm_suite balanced-v1", answer["auth"])
	}
	if answer["edition"] != "oss" || answer["fips"] != false {
		t.Errorf("edition %v, fips %v", answer["edition"], answer["fips"])
	}
	update, ok := answer["auto_update"].(map[string]any)
	if !ok || update["agent_version"] != "18.2.0" {
		t.Errorf("auto_update = %v", answer["auto_update"])
	}
	proxy, ok := answer["proxy"].(map[string]any)
	if _, assist := proxy["assist_enabled"]; !ok || assist {
		t.Errorf("proxy = %v, want no assist_enabled", answer["proxy"])
	}
}
