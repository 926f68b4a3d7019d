package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

func packed(t *testing.T, files map[string][]byte) (map[string]string, []byte) {
	t.Helper()
	var archive bytes.Buffer
	if err := Write(&archive, files, time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)); err != nil {
		t.Fatal(err)
	}
	compressed, err := gzip.NewReader(bytes.NewReader(archive.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	reader, found := tar.NewReader(compressed), map[string]string{}
	last := ""
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found, archive.Bytes()
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Mode != 0o600 || header.Name < last || !header.ModTime.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
			t.Errorf("header %+v behind %s", header, last)
		}
		last = header.Name
		data, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		found[strings.TrimPrefix(header.Name, folder)] = string(data)
	}
}

// clean is what became of one file.
func clean(t *testing.T, name, data string) string {
	t.Helper()
	found, _ := packed(t, map[string][]byte{name: []byte(data)})
	return found[name]
}

func TestSameFilesSameBytes(t *testing.T) {
	t.Parallel()
	files := map[string][]byte{"result.json": []byte(`{"b":1,"a":{"d":2,"c":3}}`), "logs/tbot-0.log": []byte("one\n"), "tbot.yaml": []byte("version: v2\n")}
	_, first := packed(t, files)
	_, second := packed(t, files)
	if !bytes.Equal(first, second) {
		t.Error("two bundles of the same differ")
	}
}

func TestNamesThatLeaveTheFolder(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../x", "/etc/passwd", "a/../../b", "", ".", "a//b"} {
		if err := Write(io.Discard, map[string][]byte{name: nil}, time.Time{}); err == nil {
			t.Errorf("%q was packed", name)
		}
	}
}

// What a person needs to see the fault is all there, letter by letter.
func TestWhatIsNoSecretStays(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"tbot.yaml": "# the bot of ci\nversion: v2\nproxy_server: teleport.example.com:443\nonboarding:\n    join_method: kubernetes\n    token: tbot-1a2b3c4d\n" +
			"storage:\n    type: memory\noutputs:\n    - type: identity\n      destination: {type: kubernetes_secret, name: tbot-output}\n",
		"logs/tbot.log": "ERRO join failed: reviewing kubernetes token with static_jwks: validating jwt signature: go-jose/go-jose: unsupported key type/format\n" +
			"kubernetes failed to validate token: [invalid bearer token, token audiences [\"a\"] is invalid for the target audiences [\"https://kubernetes.default.svc\"]]\n" +
			"\"\" can not join the cluster with role \"Bot\", token expired or not found\nunable to detect namespace from POD_NAMESPACE environment variable\n" +
			"secrets \"tbot-output\" is forbidden: User \"system:serviceaccount:machines:tbot\" cannot get resource\n",
		"events.txt": "Failed to pull image \"public.ecr.aws/gravitational/tbot-distroless:17.0.0-dev\": manifest unknown; sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n",
	} {
		if got := clean(t, name, text); got != text {
			t.Errorf("%s became\n%s\nof\n%s", name, got, text)
		}
	}
}

func privatePEM(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func jwt(t *testing.T) string {
	t.Helper()
	part := base64.RawURLEncoding.EncodeToString
	signature := make([]byte, 64)
	if _, err := rand.Read(signature); err != nil {
		t.Fatal(err)
	}
	return part([]byte(`{"alg":"RS256","kid":"abc"}`)) + "." + part([]byte(`{"iss":"https://issuer","sub":"system:serviceaccount:machines:tbot"}`)) + "." + part(signature)
}

// split breaks a text into lines of width.
func split(text string, width int, end string) string {
	var lines []string
	for len(text) > width {
		lines, text = append(lines, text[:width]), text[width:]
	}
	return strings.Join(append(lines, text), end)
}

// leaks tells which part of a secret is still there, in any run of ten signs.
func leaks(text, secret string) string {
	const run = 10
	secret = strings.Join(strings.Fields(secret), "")
	for i := 0; i+run <= len(secret); i += run / 2 {
		if part := secret[i : i+run]; strings.Contains(text, part) {
			return part
		}
	}
	return ""
}

func TestSecretsInEveryShape(t *testing.T) {
	t.Parallel()
	token, key := jwt(t), privatePEM(t)
	body := strings.Join(strings.Split(strings.TrimSpace(key), "\n")[1:3], "")
	encoded := base64.StdEncoding.EncodeToString
	quoted := func(text string) string {
		b, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	const opaque, word = "s3cr3t-0a1b2c3d4e5f", "correcthorsebatterystaple"
	for name, row := range map[string]struct{ file, text, secret, stays string }{
		"a token in a log":                    {"a.log", "presented " + token + " and so on", token, "and so on"},
		"a token over lines":                  {"a.log", "presented\n" + split(token, 40, "\n") + "\nbehind: it", token, ": it"},
		"a token over indented lines":         {"a.log", "presented\n  " + split(token, 31, "\r\n  ") + "\n\n: it", token, ": it"},
		"a token split in its first letters":  {"a.log", "e\ny\nJ" + token[3:], token, ""},
		"a token in JSON":                     {"a.json", `{"observed":` + quoted("token "+token) + `,"id":"TBC401"}`, token, "TBC401"},
		"a token in JSON within JSON":         {"a.json", `{"text":` + quoted(`{"inner":`+quoted(token)+`}`) + `,"id":"TBC401"}`, token, "TBC401"},
		"a token in base64":                   {"a.json", `{"data":` + quoted(encoded([]byte("jwt is "+token))) + `}`, encoded([]byte("jwt is " + token)), "data"},
		"a token in base64 twice":             {"a.log", "x " + encoded([]byte(encoded([]byte(token)))), encoded([]byte(encoded([]byte(token)))), "x "},
		"a token in base64 over lines":        {"a.log", "x\n" + split(encoded([]byte("t="+token)), 76, "\n") + "\n", encoded([]byte("t=" + token)), "x"},
		"a token as JSON's lines":             {"a.log", quoted(split(token, 50, "\n")) + " end", token, " end"},
		"a private key":                       {"a.log", "before\n" + key + "after", body, "after"},
		"a private key without an end":        {"a.log", "before\n" + key[:len(key)-30], body, "before"},
		"a private key in YAML":               {"a.yaml", "name: x\nidentity: |\n  " + strings.ReplaceAll(key, "\n", "\n  ") + "\nlast: end\n", body, "last: end"},
		"a private key in JSON":               {"a.json", `{"identity":` + quoted(key) + `,"last":"y"}`, body, `"last"`},
		"a private key in base64":             {"a.json", `{"identity":` + quoted(encoded([]byte(key))) + `,"last":"y"}`, encoded([]byte(key)), `"last"`},
		"a bearer token":                      {"a.log", "Authorization: Bearer " + opaque + "\nnext", opaque, "next"},
		"a bearer token in words":             {"a.log", "sent bearer " + opaque + " to it", opaque, " to it"},
		"a header in JSON":                    {"a.json", `{"Authorization":["Basic ` + opaque + `"],"Host":"h"}`, opaque, "Host"},
		"a cookie":                            {"a.log", "Set-Cookie: session=" + opaque + "; Path=/\nnext", opaque, "next"},
		"a URL with a password":               {"a.log", "via http://user:" + opaque + "@proxy.example.com:3128/ now", opaque, "proxy.example.com:3128"},
		"a password in a log":                 {"a.log", "password=hunter2-is-it and user=me", "hunter2-is-it", "user=me"},
		"an assigned secret":                  {"a.log", "client_secret: " + opaque + ", id: 5", opaque, "id: 5"},
		"an SSH certificate":                  {"a.log", "ssh-rsa-cert-v01@openssh.com " + encoded([]byte(strings.Repeat("cert0", 30))) + " c", encoded([]byte(strings.Repeat("cert0", 30))), ""},
		"an environment variable":             {"a.json", `{"env":[{"name":"DB_PASSWORD","value":"` + word + `"},{"name":"LOG_LEVEL","value":"debug"}]}`, word, "debug"},
		"one of an object of Go":              {"a.json", `{"Env":[{"Name":"apiToken","Value":"` + word + `"}],"Last":"y"}`, word, "Last"},
		"a flag's next word":                  {"a.json", `{"args":["start","--registration-secret","` + word + `","--debug"]}`, word, "--debug"},
		"a flag with its value":               {"a.json", `{"args":["start","--registration-secret=` + opaque + `","--debug"]}`, opaque, "--debug"},
		"a Secret":                            {"a.yaml", "kind: Secret\nmetadata: {name: tbot-output}\ndata:\n  identity: aGVsbG8gd29ybGQ=\n", "aGVsbG8gd29ybGQ=", "tbot-output"},
		"a Secret in JSON":                    {"a.json", `{"kind":"Secret","stringData":{"x":"` + word + `"},"metadata":{"name":"n"}}`, word, `"name"`},
		"a kubeconfig":                        {"a.yaml", "users:\n- name: me\n  user:\n    client-key-data: " + encoded([]byte(word)) + "\n    token: " + word + "\ncurrent-context: c\n", word, "current-context: c"},
		"a kubeconfig's key":                  {"a.yaml", "users:\n- name: me\n  user: {client-key-data: " + encoded([]byte(word)) + "}\n", encoded([]byte(word)), "name: me"},
		"a kubeconfig in a ConfigMap":         {"a.json", `{"data":{"config":` + quoted("users:\n- user:\n    token: "+word+"\n") + `},"last":"y"}`, word, `"last"`},
		"the last applied configuration":      {"a.json", `{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":` + quoted(`{"env":[{"name":"MY_SECRET","value":"`+word+`"}]}`) + `}}}`, word, "MY_SECRET"},
		"a private JWK":                       {"a.json", `{"jwks":` + quoted(`{"keys":[{"kty":"RSA","kid":"k1","n":"abc","d":"`+word+`"}]}`) + `}`, word, "k1"},
		"a symmetric JWK":                     {"a.json", `{"keys":[{"kty":"oct","kid":"k1","k":"` + word + `"}]}`, word, "k1"},
		"a join token of the method token":    {"a.yaml", "version: v2\nonboarding:\n  join_method: token\n  token: " + word + "\n", word, "join_method: token"},
		"a join token without a method":       {"a.yaml", "version: v2\nonboarding:\n  token: " + word + "\n", word, "onboarding"},
		"a token resource of method token":    {"a.json", `{"kind":"token","metadata":{"name":"` + word + `"},"spec":{"join_method":"token","roles":["Bot"]}}`, word, "Bot"},
		"a comment of YAML":                   {"a.yaml", "# password: " + word + "\nversion: v2\n", word, "version: v2"},
		"YAML with a key that is a number":    {"a.yaml", "1:\n  password: " + word + "\n2: b\n", word, "b"},
		"JSON on lines":                       {"a.log", `{"level":"info","token":"` + word + `"}` + "\n" + `{"level":"warn"}` + "\n", word, `{"level":"warn"}`},
		"JSON on lines among others":          {"a.log", `{"level":"info","token":"` + opaque + `"}` + "\nplain\n", opaque, "plain"},
		"YAML that is none":                   {"a.yaml", "a: [\npassword: " + word + "\n", word, "a: ["},
		"a secret that is known from a field": {"a.json", `{"list":[{"name":"MY_TOKEN","value":"` + word + `"},"it said ` + word + ` aloud"]}`, word, "aloud"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := clean(t, row.file, row.text)
			if part := leaks(got, row.secret); part != "" {
				t.Errorf("%q is still there:\n%s", part, got)
			}
			if !strings.Contains(got, row.stays) {
				t.Errorf("%q is gone:\n%s", row.stays, got)
			}
			if !strings.Contains(got, mark) {
				t.Errorf("nothing says that something was cut:\n%s", got)
			}
			if again := clean(t, row.file, got); again != got {
				t.Errorf("cutting again changes it from\n%s\nto\n%s", got, again)
			}
		})
	}
}

// A secret that one file gives away by its field is cut out of a log that says nothing of it.
func TestWhatIsKnownIsCutOutEverywhere(t *testing.T) {
	t.Parallel()
	const secret = "aquitecommonlookingvalue"
	found, _ := packed(t, map[string][]byte{
		"a.log":           []byte("connecting with " + secret + " now"),
		"deployment.json": []byte(`{"env":[{"name":"MY_PASSWORD","value":"` + secret + `"}]}`),
		"z.yaml":          []byte("note: uses " + secret + "\n"),
	})
	for name, text := range found {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds it: %s", name, text)
		}
	}
	if want := "connecting with " + mark + " now"; found["a.log"] != want {
		t.Errorf("got %q, want %q", found["a.log"], want)
	}
}

// A short word that happens to be a secret somewhere does not eat holes into everything.
func TestACommonWordIsNotCutOutEverywhere(t *testing.T) {
	t.Parallel()
	found, _ := packed(t, map[string][]byte{
		"a.log":           []byte("join method kubernetes\n"),
		"deployment.json": []byte(`{"env":[{"name":"TOKEN_KIND","value":"kubernetes"}]}`),
	})
	if found["a.log"] != "join method kubernetes\n" || strings.Contains(found["deployment.json"], "kubernetes") {
		t.Errorf("%q", found)
	}
}

// An object of Kubernetes goes in as it is, and comes out as JSON that still is one.
func TestObjectsStayObjects(t *testing.T) {
	t.Parallel()
	replicas := int32(1)
	deployment := appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &replicas, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "tbot", Image: "tbot:18", Env: []corev1.EnvVar{{Name: "KUBERNETES_TOKEN_PATH", Value: "/var/run/secrets/tokens/join-sa-token"}, {Name: "GITHUB_TOKEN", Value: "ghp_abcdefghijklmnop"}},
	}}}}}}
	data, err := JSON(deployment)
	if err != nil {
		t.Fatal(err)
	}
	var back appsv1.Deployment
	if err := json.Unmarshal([]byte(clean(t, "deployment.json", string(data))), &back); err != nil {
		t.Fatal(err)
	}
	env := back.Spec.Template.Spec.Containers[0].Env
	if *back.Spec.Replicas != 1 || env[0].Value != "/var/run/secrets/tokens/join-sa-token" || env[1].Value != mark {
		t.Errorf("%+v", back.Spec)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("a.yaml", "a: &a [*a]\n? {x: y}\n: z\n")
	f.Add("a.json", `{"a":1e400,"b":"\ud800"}`)
	f.Add("a.log", "-----BEGIN PRIVATE KEY-----")
	f.Fuzz(func(t *testing.T, name, text string) {
		const secret = "Zm9vYmFyQmF6MTIzNDU2Nzg5MA"
		files := map[string][]byte{
			"known.json": []byte(`{"password":"` + secret + `"}`),
			"x" + name:   []byte(text + " " + secret + " " + text),
		}
		for file, data := range redact(files) {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds it: %s", file, data)
			}
		}
	})
}
