package tbotconfig

import "github.com/tbotctl/tbotctl/internal/spec"

// Validate says what tbot would refuse. The error is *Invalid; its paths count all outputs under `outputs`.
func (c Config) Validate() error {
	var found []Problem
	c.judge(place{found: &found}, func(i int) string { return element("outputs", i) })
	return invalid(found)
}

// judge collects what is wrong; named is the path of the i-th output.
func (c Config) judge(top place, named func(int) string) {
	if c.Version != Version {
		top.at("version").bad("it is %s, not %s", spec.Quote(c.Version), Version)
	}
	switch {
	case c.ProxyServer == "" && c.AuthServer == "" && c.JoinURI.Empty():
		top.bad("neither proxy_server nor auth_server is given")
	case c.ProxyServer != "" && c.AuthServer != "":
		top.bad("proxy_server and auth_server are both given; leave one of the two out")
	}
	if c.Insecure && (c.Onboarding.CAPath != "" || len(c.Onboarding.CAPins) > 0) {
		top.at("insecure").bad("it stands beside ca_path or ca_pins; leave one of the two out")
	}
	c.Onboarding.judge(top.at("onboarding"))
	if !c.Storage.isZero() {
		c.Storage.judge(top.at("storage"))
	}
	if c.CredentialTTL < 0 || c.RenewalInterval < 0 || c.Leeway < 0 {
		top.bad("credential_ttl, renewal_interval and leeway are durations above zero")
	}
	at := func(i int) place { return place{named(i), top.found} }
	for i, output := range c.Outputs {
		judgeCommon(output.Shared(), at(i))
		output.judge(at(i))
	}
	c.judgeNames(at)
}
