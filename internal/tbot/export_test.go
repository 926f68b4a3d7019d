package tbot

// TrustSSH adds an authority of SSH hosts, one authorized_keys line, to those that an identity trusts.
func (i *Identity) TrustSSH(authority []byte) {
	i.certs.SSHCACerts = append(i.certs.SSHCACerts, authority)
}
