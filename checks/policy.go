package checks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Turned is an object that admission turned down: who did, as far as the API server's words say, and which answers would pass. It is
// judged by those words alone; where they are nobody's that is known here, they stand for themselves.
type Turned struct {
	// By names who refuses, for people: "ValidatingAdmissionPolicy only-ours (binding all)", "ResourceQuota small".
	By string
	// Observed says who refuses what, and in which words; Expected and Fix what would pass.
	Observed, Expected, Fix string
}

// Result gives it as a failed check; err is what exit codes are made of.
func (t Turned) Result(err error) Result {
	result := Result{Finding: Finding{Status: Fail, Observed: t.Observed, Expected: t.Expected, Fix: t.Fix, Err: err}}
	for _, check := range liveKubernetesChecks() {
		if check.ID == PodsAdmitted {
			result.Check = check
		}
	}
	return result
}

// Who refuses an object, by the API server's own words.
var (
	refusedByQuota    = regexp.MustCompile(`exceeded quota: ([^,\s]+)|failed quota: ([^:\s]+)`)
	refusedByWebhook  = regexp.MustCompile(`admission webhook "([^"]+)"|failed calling webhook "([^"]+)"`)
	refusedByPolicy   = regexp.MustCompile(`ValidatingAdmissionPolicy '([^']+)'(?: with binding '([^']+)')?`)
	refusedByStandard = regexp.MustCompile(`violates PodSecurity "([^"]+)": (.*)`)
	// What of a quota is too little, in the quota plugin's words: "requested: pods=1, used: pods=1, limited: pods=1".
	quotaAsks = regexp.MustCompile(`requested: (\S+), used: (\S+), limited: (\S+)`)
	quotaMust = regexp.MustCompile(`must specify ([^;]+?)(?: for|$|;)`)
	// Kyverno names its policies on lines of their own, with their rules below; Gatekeeper its constraints in brackets.
	kyvernoPolicies     = regexp.MustCompile(`due to the following policies`)
	kyvernoPolicy       = regexp.MustCompile(`(?m)^([a-z0-9][-a-z0-9.]*):[ \t]*$\n\s+([-A-Za-z0-9_.]+):`)
	gatekeeperPolicy    = regexp.MustCompile(`denied the request: \[([^\]\s]+)\]`)
	standardDescription = regexp.MustCompile(` \([^()]*(?:\([^()]*\)[^()]*)*\)`)
)

// ExplainAdmission judges the words by which admission turned an object down; object names it for people.
func ExplainAdmission(object, words string) Turned {
	t := refusedBy(words)
	t.Observed = fmt.Sprintf("%s refuses %s: %s", t.By, object, oneLine(words))
	if t.By == "" {
		t.Observed = fmt.Sprintf("the cluster refuses %s: %s", object, oneLine(words))
	}
	return t
}

func refusedBy(words string) Turned {
	text := oneLine(words)
	part := func(pattern *regexp.Regexp) string {
		return strings.Join(append(pattern.FindStringSubmatch(text), "", "")[1:], "")
	}
	switch {
	case refusedByStandard.MatchString(text):
		return byStandard(text)
	case strings.Contains(text, "security context constraint"):
		return Turned{
			By: "OpenShift's admission (SecurityContextConstraints)", Expected: "a pod without fixed uid and gid, which OpenShift assigns",
			Fix: "--platform openshift",
		}
	case refusedByPolicy.MatchString(text):
		found := refusedByPolicy.FindStringSubmatch(text)
		by := "ValidatingAdmissionPolicy " + found[1]
		if found[2] != "" {
			by += " (binding " + found[2] + ")"
		}
		_, said, _ := strings.Cut(text, "denied request:")
		return Turned{By: by, Expected: "what the policy asks for", Fix: flagsFor(said)}
	case strings.Contains(text, "failed calling webhook"):
		webhook := part(refusedByWebhook)
		return Turned{
			By: "webhook " + webhook + ", which does not answer and may not be passed over,", Expected: "a policy engine that answers",
			Fix: "whoever runs it mends it; kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations shows whose it is",
		}
	case refusedByWebhook.MatchString(text):
		return byWebhook(words, text, part(refusedByWebhook))
	case refusedByQuota.MatchString(text):
		return byQuota(text, part(refusedByQuota))
	case strings.Contains(text, "PriorityClass"):
		return Turned{By: "admission", Expected: "a PriorityClass that exists", Fix: "--priority-class; kubectl get priorityclasses shows them"}
	case strings.Contains(text, " per Container "), strings.Contains(text, " per Pod "):
		return Turned{By: "a LimitRange", Expected: "requests and limits within it", Fix: "--requests and --limits; kubectl describe limitrange shows it"}
	}
	return Turned{Expected: "what it asks for", Fix: flagsFor(text)}
}

// byStandard is Pod Security. What tbotctl makes of itself passes every level, so that the fields are a patch's.
func byStandard(text string) Turned {
	found := refusedByStandard.FindStringSubmatch(text)
	return Turned{
		By:       "Pod Security Standard " + found[1],
		Expected: "a pod without " + standardDescription.ReplaceAllString(found[2], ""),
		Fix:      "what tbotctl makes by itself passes; take out of --patch what breaks it, or set it there",
	}
}

func byQuota(text, name string) Turned {
	t := Turned{By: "ResourceQuota " + name, Fix: "a larger quota, or room in this one: kubectl describe resourcequota " + name}
	if must := quotaMust.FindStringSubmatch(text); must != nil && strings.Contains(text, "failed quota") {
		t.Expected = must[1] + " in the pod"
		t.Fix = strings.Join(resourceFlags(must[1]), " and ")
		return t
	}
	asks := quotaAsks.FindStringSubmatch(text)
	if asks == nil {
		t.Expected = "room in the quota"
		return t
	}
	_, used, _ := strings.Cut(asks[2], "=")
	_, limit, _ := strings.Cut(asks[3], "=")
	t.Expected = fmt.Sprintf("room for %s: %s of %s is used", asks[1], used, limit)
	if flags := resourceFlags(asks[1]); len(flags) > 0 {
		t.Fix = "less by " + strings.Join(flags, " and ") + ", or " + t.Fix
	}
	return t
}

// resourceFlags are the flags by which a pod asks for what a quota counts: "requests.memory", "limits.cpu", "cpu". Numbers of objects
// have none.
func resourceFlags(counted string) []string {
	var flags []string
	for resource := range strings.SplitSeq(counted, ",") {
		resource, _, _ = strings.Cut(resource, "=")
		flag := "--requests"
		switch {
		case strings.HasPrefix(resource, "limits."):
			flag = "--limits"
		case strings.HasPrefix(resource, "requests."), resource == "cpu", resource == "memory", resource == "ephemeral-storage":
		default:
			continue
		}
		if !slices.Contains(flags, flag) {
			flags = append(flags, flag)
		}
	}
	return flags
}

// byWebhook names the policies behind the webhooks of Kyverno and Gatekeeper, whose own names say nothing.
func byWebhook(words, text, webhook string) Turned {
	_, said, _ := strings.Cut(text, "denied the request")
	t := Turned{By: "webhook " + webhook, Expected: "what the policy behind it asks for", Fix: flagsFor(said)}
	var policies []string
	if kyvernoPolicies.MatchString(words) {
		for _, found := range kyvernoPolicy.FindAllStringSubmatch(words, -1) {
			policies = append(policies, found[1]+" (rule "+found[2]+")")
		}
	} else if found := gatekeeperPolicy.FindStringSubmatch(text); found != nil {
		policies = append(policies, found[1])
	}
	if len(policies) > 0 {
		t.By = "policy " + strings.Join(policies, ", ") + " of webhook " + webhook
	}
	return t
}

// flagsFor names the flags that a policy's own words are about. --patch reaches whatever they do not.
func flagsFor(said string) string {
	said = strings.ToLower(said)
	var flags []string
	for _, about := range []struct {
		flag  string
		words []string
	}{
		{"--labels", []string{"label"}},
		{"--annotations", []string{"annotation"}},
		{"--registry or --image", []string{"registry", "registries", "image"}},
		{"--image-pull-secret", []string{"imagepullsecret", "pull secret"}},
		{"--requests and --limits", []string{"limit", "request.", "requests", "resources"}},
		{"--platform openshift", []string{"runasuser", "runasgroup", "fsgroup"}},
		{"--priority-class", []string{"priorityclass", "priority class"}},
		{"--node-selector", []string{"nodeselector", "node selector"}},
		{"--toleration", []string{"toleration"}},
	} {
		if slices.ContainsFunc(about.words, func(word string) bool { return strings.Contains(said, word) }) {
			flags = append(flags, about.flag)
		}
	}
	if len(flags) == 0 {
		return "--patch FILE, a strategic merge patch of what it asks for"
	}
	return "by its words " + strings.Join(flags, ", ") + "; else --patch FILE"
}
