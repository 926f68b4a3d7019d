package spec

// argoCDFields are the answers that --access argocd alone has a use for.
func argoCDFields() []Field {
	return []Field{
		word("argocd-namespace", "NAME", "namespace of Argo CD; default: the one that holds its ConfigMap argocd-cm", func(s *Setup) *string { return &s.ArgoCD.Namespace }),
		word("argocd-project", "NAME", "the one Argo CD project that may use the clusters; default: any", func(s *Setup) *string { return &s.ArgoCD.Project }),
		list("argocd-namespaces", "A,B", "namespaces of the clusters that Argo CD manages; default: all", func(s *Setup) *[]string { return &s.ArgoCD.Namespaces }),
		flag("argocd-cluster-resources", "beside --argocd-namespaces let Argo CD manage what belongs to no namespace", func(s *Setup) *bool { return &s.ArgoCD.ClusterResources }),
		pairs("argocd-secret-labels", "labels on Argo CD's cluster Secrets, by which ApplicationSets choose clusters", func(s *Setup) *map[string]string { return &s.ArgoCD.SecretLabels }),
		word("argocd-name-template", "TEXT", "Go template of the cluster's name in Argo CD; default: {{.ClusterName}}-{{.KubeName}}", func(s *Setup) *string { return &s.ArgoCD.NameTemplate }),
		flag("argocd-impersonation", "let Argo CD act as any user in the clusters: treat the bot as cluster-admin there", func(s *Setup) *bool { return &s.ArgoCD.Impersonation }),
		word("argocd-rbac", "named|namespace", "Secrets of Argo CD's namespace that tbot may read: those of the clusters matched now, or all; default: named",
			func(s *Setup) *string { return (*string)(&s.ArgoCD.RBAC) }),
	}
}
