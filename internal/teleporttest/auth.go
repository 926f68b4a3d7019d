package teleporttest

import (
	"context"
	"crypto/rand"

	"github.com/gravitational/teleport/api/client/proto"
	auditlogv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/auditlog/v1"
	clusterconfigv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/clusterconfig/v1"
	machineidv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/machineid/v1"
	presencev1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/presence/v1"
	trustv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/trust/v1"
	usersv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/users/v1"
	webauthnpb "github.com/gravitational/teleport/api/types/webauthn"
	"github.com/gravitational/trace"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// authService is proto.AuthService, as far as a bot, its administrator and doctor need it. Each file auth_*.go
// holds the RPCs of one resource; everything else is Unimplemented.
type authService struct {
	proto.UnimplementedAuthServiceServer

	cluster *Cluster
}

// registerAuth registers the Auth Service's services. A service that the version lacks is not registered, which makes
// gRPC answer "unknown service", as the real server does (recordings/auth-calls.json).
func (c *Cluster) registerAuth(s *grpc.Server) {
	proto.RegisterAuthServiceServer(s, &authService{cluster: c})
	proto.RegisterJoinServiceServer(s, &joinService{cluster: c})
	machineidv1.RegisterBotServiceServer(s, &botService{cluster: c})
	trustv1.RegisterTrustServiceServer(s, &trustService{cluster: c})
	presencev1.RegisterPresenceServiceServer(s, &presenceService{cluster: c})
	usersv1.RegisterUsersServiceServer(s, &usersService{cluster: c})
	auditlogv1.RegisterAuditLogServiceServer(s, &auditService{cluster: c})
	if c.behaviour.botInstances {
		machineidv1.RegisterBotInstanceServiceServer(s, &botInstanceService{cluster: c})
	}
	if c.behaviour.clusterConfigV1 {
		clusterconfigv1.RegisterClusterConfigServiceServer(s, &clusterConfigService{cluster: c})
	}
}

// Ping needs a certificate, but no right.
func (s *authService) Ping(ctx context.Context, _ *proto.PingRequest) (*proto.PingResponse, error) {
	if _, err := callerFrom(ctx); err != nil {
		return nil, err
	}
	c := s.cluster
	answer := &proto.PingResponse{
		ClusterName:     c.opts.ClusterName,
		ServerVersion:   c.opts.Version,
		ServerFeatures:  &proto.Features{Kubernetes: true, App: true, DB: true, Cloud: c.opts.Cloud},
		ProxyPublicAddr: c.publicAddr(),
		IsBoring:        c.opts.FIPS,
		RemoteAddr:      remoteIPOf(ctx),
	}
	if c.behaviour.suites {
		answer.SignatureAlgorithmSuite = c.opts.Suite
	}
	return answer, nil
}

// GetDomainName returns the cluster's name.
func (s *authService) GetDomainName(ctx context.Context, _ *emptypb.Empty) (*proto.GetDomainNameResponse, error) {
	if _, err := callerFrom(ctx); err != nil {
		return nil, err
	}
	return &proto.GetDomainNameResponse{DomainName: s.cluster.opts.ClusterName}, nil
}

// GetClusterCACert returns the host CA's certificate.
func (s *authService) GetClusterCACert(ctx context.Context, _ *emptypb.Empty) (*proto.GetClusterCACertResponse, error) {
	if _, err := callerFrom(ctx); err != nil {
		return nil, err
	}
	return &proto.GetClusterCACertResponse{TLSCA: s.cluster.hostCA.certPEM}, nil
}

// CreateAuthenticateChallenge challenges the security key that every user is taken to have. A client without a prompt
// can't answer, and then reports the MFA error of its call alone; with Options.NoChallenge it reports both errors
// (teleport-facts 5.4).
func (s *authService) CreateAuthenticateChallenge(ctx context.Context, _ *proto.CreateAuthenticateChallengeRequest) (*proto.MFAAuthenticateChallenge, error) {
	who, err := callerFrom(ctx)
	switch {
	case err != nil:
		return nil, err
	case s.cluster.opts.NoChallenge:
		return nil, trace.NotImplemented("method CreateAuthenticateChallenge not implemented")
	case who.botName != "":
		return nil, trace.BadParameter("only local users can create an MFA challenge, not bot %q", who.botName)
	}
	nonce := make([]byte, 32)
	if _, err := rand.Read(nonce); err != nil {
		return nil, trace.Wrap(err)
	}
	return &proto.MFAAuthenticateChallenge{
		MFARequired: proto.MFARequired_MFA_REQUIRED_YES,
		WebauthnChallenge: &webauthnpb.CredentialAssertion{PublicKey: &webauthnpb.PublicKeyCredentialRequestOptions{
			Challenge:        nonce,
			TimeoutMs:        60_000,
			RpId:             webauthnRPID,
			AllowCredentials: []*webauthnpb.CredentialDescriptor{{Type: "public-key", Id: []byte(who.username)}},
			UserVerification: "discouraged",
		}},
	}, nil
}

// webauthnRPID is the relying party that the cluster names wherever it speaks of WebAuthn.
const webauthnRPID = "localhost"
