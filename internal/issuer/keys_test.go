package issuer

import (
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

func TestStaticJWKS(t *testing.T) {
	t.Parallel()
	signing := newECKey(t)
	one := jose.JSONWebKey{Key: signing.Public(), KeyID: "one", Algorithm: "ES256", Use: "sig"}
	two, three := newKey(t, "two"), newKey(t, "three")
	three.Use = ""
	text, err := StaticJWKS(Keys{two, one, three, one}, "one")
	if err != nil {
		t.Fatal(err)
	}
	again, err := StaticJWKS(Keys{three, one, two}, "one")
	if err != nil || again != text {
		t.Errorf("another order gives other bytes:\n%s\n%s (%v)", text, again, err)
	}
	if strings.ContainsAny(text, " \n\t") || strings.Contains(text, `"d"`) {
		t.Errorf("not compact or not public: %s", text)
	}
	keys, notes, err := ParseJWKS(text)
	if err != nil || len(notes) > 0 || !slices.Equal(keys.IDs(), []string{"one", "three", "two"}) {
		t.Fatalf("does not read back: %v %v %v", keys.IDs(), notes, err)
	}
	// What is written verifies what the cluster signs.
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: signing, KeyID: "one"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(jwt.Claims{Subject: "system:serviceaccount:a:b"}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.Claims
	if err := parsed.Claims(&jose.JSONWebKeySet{Keys: keys}, &claims); err != nil || claims.Subject != "system:serviceaccount:a:b" {
		t.Errorf("the set does not verify a token: %v", err)
	}
}

func TestStaticJWKSRefuses(t *testing.T) {
	t.Parallel()
	private := jose.JSONWebKey{Key: newECKey(t), KeyID: "p"}
	for name, test := range map[string]struct {
		keys Keys
		kid  string
		want Kind
	}{
		"none":           {nil, "", NoKeys},
		"signer missing": {Keys{newKey(t, "a")}, "b", SigningKeyMissing},
		"private":        {Keys{private}, "p", BadJWKS},
		"symmetric":      {Keys{{Key: []byte("secret"), KeyID: "s"}}, "s", BadJWKS},
		"without kid":    {Keys{newKey(t, "")}, "", BadJWKS},
		"one kid twice":  {Keys{newKey(t, "a"), newKey(t, "a")}, "a", BadJWKS},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if text, err := StaticJWKS(test.keys, test.kid); !Is(err, test.want) || text != "" {
				t.Fatalf("%q, %v; want kind %s", text, err, test.want)
			}
		})
	}
}

// The example of RFC 7638 section 3.1.
func TestThumbprintsAreRFC7638(t *testing.T) {
	t.Parallel()
	const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	modulus, err := base64.RawURLEncoding.DecodeString(n)
	if err != nil {
		t.Fatal(err)
	}
	key := jose.JSONWebKey{Key: &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: 65537}, KeyID: "2011-04-29"}
	if got := Thumbprints(Keys{key}); !slices.Equal(got, []string{"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"}) {
		t.Errorf("got %v", got)
	}
}

func TestParseJWKSAccepts(t *testing.T) {
	t.Parallel()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set := string(keySet(t, newKey(t, "ec"), jose.JSONWebKey{Key: public, KeyID: "ed"}, jose.JSONWebKey{Key: large.Public(), KeyID: "rsa", Algorithm: "RS256"}))
	for name, text := range map[string]string{
		"compact": set, "byte order mark": "\ufeff" + set, "white space": " \n" + strings.ReplaceAll(set, ",", ",\n  ") + "\n\n",
		"more members": strings.Replace(set, `"keys"`, `"comment":"x","keys"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, notes, err := ParseJWKS(text)
			if err != nil || len(notes) > 0 || !slices.Equal(keys.IDs(), []string{"ec", "ed", "rsa"}) {
				t.Fatalf("keys %v, notes %v, err %v", keys.IDs(), notes, err)
			}
		})
	}
}

func TestParseJWKSRefuses(t *testing.T) {
	t.Parallel()
	good := string(asJSON(t, newKey(t, "a")))
	set := `{"keys":[` + good + `]}`
	const hidden = "c2VjcmV0LXBhcnQ"
	small := asJSON(t, jose.JSONWebKey{Key: &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 511), E: 65537}, KeyID: "small"})
	for name, test := range map[string]struct{ text, says string }{
		"empty":             {" \n", "empty"},
		"broken":            {"{\n  \"keys\": [\n    oops\n]}", "line 3, column 5"},
		"cut off":           {set[:len(set)-3], "unexpected end"},
		"comment of guide":  {"# Place the data here\n" + set, "line 1 of the JWKS is a comment"},
		"comment inside":    {"{\n// mine\n" + set[1:], "line 2 of the JWKS is a comment"},
		"zsh's mark":        {set + "%\n", "ends in %"},
		"twice":             {set + set, "line 1"},
		"pem":               {"-----BEGIN PRIVATE KEY-----\n" + hidden, "is PEM"},
		"html":              {"<html>", "HTML"},
		"a list":            {"[" + good + "]", "not an object"},
		"single key":        {good, "a single key"},
		"discovery":         {string(discovery(t, testIssuer, testIssuer)), "discovery document"},
		"no keys":           {`{"KEYS":[]}`, "no member `keys`"},
		"keys is a word":    {`{"keys":"a"}`, "not a list"},
		"keys is null":      {`{"keys":null}`, "not a list"},
		"empty list":        {`{"keys":[]}`, "no key"},
		"key is a word":     {`{"keys":["a"]}`, "key 1 is not a JSON object"},
		"key is null":       {`{"keys":[null]}`, "key 1 is not a JSON object"},
		"private EC":        {`{"keys":[` + good + `,` + strings.Replace(good, `"kty"`, `"d":"`+hidden+`","kty"`, 1) + `]}`, `key 2 (kid "a") holds private parts`},
		"private RSA":       {`{"keys":[{"kty":"RSA","kid":"r","n":"AQ","e":"AQAB","d":"` + hidden + `"}]}`, `key 1 (kid "r") holds private parts`},
		"private, bad JSON": {`{"keys":[{"kty":"RSA","d":"` + hidden + `",}]}`, "line 1"},
		"symmetric":         {`{"keys":[{"kty":"oct","kid":"s","k":"` + hidden + `"}]}`, `key 1 (kid "s") is a symmetric key`},
		"symmetric, empty":  {`{"keys":[{"kty":"oct","kid":"s"}]}`, `key 1 (kid "s") is a symmetric key`},
		"without kid":       {strings.Replace(set, `"kid":"a",`, "", 1), "key 1 has no kid"},
		"kid is a number":   {strings.Replace(set, `"kid":"a"`, `"kid":1`, 1), "key 1 cannot be read"},
		"no kty":            {`{"keys":[{"kid":"a"}]}`, "missing json web key type"},
		"member twice":      {strings.Replace(set, `"kid":"a"`, `"kid":"a","kid":"b"`, 1), "cannot be read"},
		"point off curve":   {`{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"AQ","y":"AQ"}]}`, "cannot be read"},
		"unknown type":      {`{"keys":[{"kty":"XY","kid":"a"}]}`, `is of type "XY"`},
		"for encryption":    {strings.Replace(set, `"use":"sig"`, `"use":"enc"`, 1), `for use "enc"`},
		"wrong algorithm":   {strings.Replace(set, "ES256", "RS256", 1), `algorithm "RS256"`},
		"small RSA":         {`{"keys":[` + string(small) + `]}`, "512 bits"},
		"two under one kid": {`{"keys":[` + good + `,` + string(asJSON(t, newKey(t, "a"))) + `]}`, "two different keys"},
		"too large":         {`{"keys":[` + strings.Repeat(" ", maxBody) + `]}`, "1 MiB"},
		"escape sequence":   {`{"keys":[{"kid":"\u001b[2J","kty":"XY"}]}`, `\x1b[2J`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, _, err := ParseJWKS(test.text)
			if !Is(err, BadJWKS) || keys != nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("%v, want %q", err, test.says)
			}
			if strings.Contains(err.Error(), hidden) || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("the message shows foreign text: %q", err)
			}
		})
	}
}

func TestParseJWKSLeavesOutOtherKeys(t *testing.T) {
	t.Parallel()
	text := fmt.Sprintf(`{"keys":[{"kty":"XY","kid":"odd"},%s]}`, asJSON(t, newKey(t, "a")))
	keys, notes, err := ParseJWKS(text)
	if err != nil || !slices.Equal(keys.IDs(), []string{"a"}) || len(notes) != 1 || !strings.Contains(notes[0], `"odd"`) {
		t.Fatalf("keys %v, notes %q, err %v", keys.IDs(), notes, err)
	}
}

func FuzzParseJWKS(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"keys":[]}`, `{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"AQ","y":"AQ"}]}`, `{"keys":[{"kty":"RSA","kid":"r","n":"AQAB","e":"AQAB","d":"AA"}]}`,
		"# a\n{}", "{}%", "\ufeff[]", `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"e","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, _, err := ParseJWKS(text)
		if err != nil {
			if !Is(err, BadJWKS) || keys != nil || strings.ContainsAny(err.Error(), "\x1b\n\r") {
				t.Fatalf("keys %v with error %q", keys, err)
			}
			return
		}
		// Whatever is accepted can be written and reads back the same, public parts alone.
		written, err := StaticJWKS(keys, keys[0].KeyID)
		if err != nil {
			t.Fatalf("accepted, but not written: %v", err)
		}
		again, notes, err := ParseJWKS(written)
		if err != nil || len(notes) > 0 || !slices.Equal(again.IDs(), keys.IDs()) || !slices.Equal(Thumbprints(again), Thumbprints(keys)) {
			t.Fatalf("%s reads back as %v, %v, %v", written, again.IDs(), notes, err)
		}
	})
}

func FuzzDecodeDocument(f *testing.F) {
	for _, seed := range []string{"", "null", "[]", "<html>", `{"issuer":"https://a","jwks_uri":"https://b"}`, `{"issuer":1}`, "{\"issuer\":\"\x1b\"}", `{"issuer":"a","jwks_uri":"b"} x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, fault := decodeDocument(body)
		if fault == nil {
			if d.Issuer == "" || d.JWKSURI == "" {
				t.Fatalf("accepted an incomplete document: %+v", d)
			}
			return
		}
		if fault.kind != FailureNotJSON && fault.kind != FailureBadDocument || strings.ContainsAny(fault.detail, "\x1b\n\r") {
			t.Fatalf("kind %q, detail %q", fault.kind, fault.detail)
		}
	})
}

func FuzzWellKnown(f *testing.F) {
	for _, seed := range []string{"", "https://a.example.com/", "https://a//", "http://a", "https://u:p@a", "https://[::1]:8/x?y#z", "https://%zz", "https://a\x00b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, issuer string) {
		u, problem := wellKnown(issuer)
		if problem == "" && (u == nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || !strings.HasSuffix(u.Path, discoveryPath)) {
			t.Fatalf("%q gives %v", issuer, u)
		}
		if strings.ContainsAny(problem, "\x1b\n\r") {
			t.Fatalf("%q", problem)
		}
	})
}

func TestKeysOfEveryCurveAreUsable(t *testing.T) {
	t.Parallel()
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key := newKeyOn(t, curve)
		if e := judgeKey(asJSON(t, key)); e.fault != faultNone {
			t.Errorf("%s: %s", curve.Params().Name, e.why)
		}
	}
}
