package tbotconfig

// The types for databases that are enrolled in Teleport. tbotctl judges them and does not run them.
const (
	TypeDatabase       = "database"
	TypeDatabaseTunnel = "database-tunnel"
)

// Database is a certificate for one database (teleport-facts 6.3).
type Database struct {
	Common      `yaml:",inline"`
	Destination Destination `yaml:"destination"`
	// Service is the database's name in Teleport.
	Service string `yaml:"service"`
	// Database and Username may be left out where the kind of database has none.
	Database string `yaml:"database,omitempty"`
	Username string `yaml:"username,omitempty"`
	// Format is empty, mongo, cockroach or tls.
	Format string `yaml:"format,omitempty"`
}

const formatCockroach = "cockroach"

func (d *Database) judge(at place) {
	d.Destination.judge(at.at("destination"))
	at.needs("service", d.Service)
	at.oneOf("format", d.Format, "mongo", formatCockroach, "tls")
	if d.Format == formatCockroach && d.Destination.Type == DestinationSecret {
		at.at("format").bad("cockroach writes into a folder of its own, which a kubernetes_secret does not have") // teleport-facts 6.6
	}
}

// DatabaseTunnel listens and forwards to one database as one user. The keys, all of them needed, are those of Teleport's
// lib/tbot/services/database/tunnel_config.go and its configuration reference.
type DatabaseTunnel struct {
	Common `yaml:",inline"`
	// Listen is tcp://HOST:PORT or unix:///PATH.
	Listen   string `yaml:"listen"`
	Service  string `yaml:"service"`
	Database string `yaml:"database"`
	Username string `yaml:"username"`
}

func (t *DatabaseTunnel) judge(at place) {
	judgeListen(t.Listen, at)
	at.needs("service", t.Service)
	at.needs("database", t.Database)
	at.needs("username", t.Username)
}
