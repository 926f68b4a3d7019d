package review

import (
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
)

// become says who can take the bot's place: by the rules of Kubernetes first, and then by those of the cluster, if it was asked.
func (from Page) become(p *page) {
	s, n := from.Setup, from.Setup.Names()
	namespace, account := code(n.Namespace), code(n.ServiceAccount)
	self := "the bot"
	if s.IsAgent() {
		self = "the agent"
	}
	p.head(2, "Who can become "+self)
	p.say("To join takes a token of the service account, and no more. So on any cluster these can:")
	p.text.WriteString("\n")
	p.item(fmt.Sprintf("who may create pods in namespace %s, or anything that makes pods, or change the pod template of what is there: a pod chooses its service account freely;", namespace))
	p.item(fmt.Sprintf("who may create %s for %s there;", code("serviceaccounts/token"), account))
	p.item("who may run commands in its pods, or is root on the node that they run on;")
	p.item("who may bind or change roles there so as to get any of these.")
	for _, secret := range secretsOf(s) {
		p.item(fmt.Sprintf("Who may read %s has its credentials without joining.", secret))
	}
	p.text.WriteString("\n")
	p.say(fmt.Sprintf("The stock ClusterRoles %s, %s and %s hold all that it takes; bound in namespace %s, or everywhere, they make their holder %s. %s holds nothing of it. In Teleport those who may change %s decide who gets in, and as what.",
		code("edit"), code("admin"), code("cluster-admin"), namespace, self, code("view"), inTeleport(s)))
	p.text.WriteString("\n")
	from.today(p)
}

// inTeleport is what decides there.
func inTeleport(s spec.Setup) string {
	if s.IsAgent() {
		return "the join token"
	}
	return "the join token, the bot or its roles"
}

// secretsOf are the Secrets that hold credentials, in words.
func secretsOf(s spec.Setup) []string {
	if s.IsAgent() {
		return nil
	}
	var all []string
	for _, name := range tbotconfig.For(s).Secrets() {
		all = append(all, "Secret "+code(s.Kubernetes.Namespace+"/"+name))
	}
	if argo := s.ArgoCDNamespace(); argo != "" {
		all = append(all, "the cluster Secrets of Argo CD in namespace "+code(argo))
	}
	return all
}

// today is what a cluster said.
func (from Page) today(p *page) {
	live := from.Live
	switch {
	case live == nil:
		p.say("Who that is today was not looked up; with --context this page names them.")
		return
	case live.Err != nil:
		p.say(fmt.Sprintf("**Not known** is who that is today in %s: %s", code(live.Where), code(live.Err.Error())))
		return
	case len(live.Subjects) == 0:
		p.say(fmt.Sprintf("In %s nobody can today, by RBAC, beside the cluster's own administrators and control plane.", code(live.Where)))
		return
	}
	p.say(fmt.Sprintf("In %s these can today, by RBAC, beside the cluster's own administrators and control plane:", code(live.Where)))
	p.text.WriteString("\n")
	for _, subject := range live.Subjects {
		p.item(fmt.Sprintf("%s: may %s; by %s", code(subject.Name), strings.Join(subject.Powers, " and "), codes(subject.By)))
	}
	p.text.WriteString("\n")
	p.say("Not among them are those who may only enter a pod or read the Secret, and whoever another authorizer than RBAC lets.")
}
