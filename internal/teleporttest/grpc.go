package teleporttest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/defaults"
	"github.com/gravitational/teleport/api/metadata"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils/grpc/interceptors"
	"github.com/gravitational/trace"
	"golang.org/x/mod/semver"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// newGRPCServer has Teleport's server interceptors outermost, so that trace errors travel as Teleport's do and the
// server sends its version header.
func (c *Cluster) newGRPCServer(register func(*grpc.Server)) *grpc.Server {
	server := grpc.NewServer(
		grpc.Creds(handshaken{}),
		// The api module's client pings an idle connection once a minute; grpc's own default would turn it away for that.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: defaults.ServerKeepAliveTTL() / 2, PermitWithoutStream: true}),
		grpc.ChainUnaryInterceptor(
			metadata.UnaryServerInterceptor,
			interceptors.GRPCServerUnaryErrorInterceptor,
			func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
				ctx, err := c.enter(ctx, info.FullMethod)
				if err != nil {
					return nil, err
				}
				return handler(ctx, req)
			},
		),
		grpc.ChainStreamInterceptor(
			metadata.StreamServerInterceptor,
			interceptors.GRPCServerStreamErrorInterceptor,
			func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
				ctx, err := c.enter(stream.Context(), info.FullMethod)
				if err != nil {
					return err
				}
				return handler(srv, &streamWithContext{ServerStream: stream, ctx: ctx})
			},
		),
	)
	register(server)
	return server
}

// enter does what comes before every RPC: the log, the version check, the methods that this version lacks, and the
// caller's identity.
func (c *Cluster) enter(ctx context.Context, method string) (context.Context, error) {
	id, known, err := identityOfPeer(ctx)
	if err != nil {
		return nil, trace.AccessDenied("access denied: %v", err)
	}
	note := Request{Protocol: "grpc", Method: method, User: id.username, Impersonated: id.impersonator != ""}
	if err := c.note(ctx, note); err != nil {
		return nil, err
	}
	if err := c.checkClientVersion(ctx); err != nil {
		return nil, err
	}
	if c.behaviour.missingMethods()[method] {
		service, name := splitMethod(method)
		return nil, status.Errorf(codes.Unimplemented, "unknown method %v for service %v", name, service)
	}
	if !known {
		return ctx, nil
	}
	who, err := c.authenticate(id)
	if err != nil {
		return nil, err
	}
	return withCaller(ctx, who), nil
}

// checkClientVersion refuses clients that are too old, where the cluster does (teleport-facts 4.6). The real server
// also closes the connection, so that its client sees now the error, now EOF; here it always sees the error.
func (c *Cluster) checkClientVersion(ctx context.Context) error {
	if !c.opts.RejectOldClients {
		return nil
	}
	version, ok := metadata.ClientVersionFromContext(ctx)
	if !ok {
		return nil
	}
	if semver.Compare("v"+version, "v"+c.minClientVersion()+"-aa") < 0 {
		c.logger.WarnContext(ctx, "Rejected a client whose version is unsupported", "version", version)
		return trace.AccessDenied("client version is unsupported")
	}
	return nil
}

func identityOfPeer(ctx context.Context) (id identity, known bool, err error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return identity{}, false, nil
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 {
		return identity{}, false, nil
	}
	id, err = identityFrom(info.State.VerifiedChains[0][0])
	return id, err == nil, err
}

func remoteIPOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok {
		return ipOf(p.Addr.String())
	}
	return ""
}

func splitMethod(full string) (service, method string) {
	for i := len(full) - 1; i > 0; i-- {
		if full[i] == '/' {
			return full[1:i], full[i+1:]
		}
	}
	return "", full
}

type streamWithContext struct {
	grpc.ServerStream

	ctx context.Context
}

func (s *streamWithContext) Context() context.Context { return s.ctx }

// handshaken are the credentials of connections on which the router has already done the TLS handshake.
type handshaken struct{}

func (handshaken) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return nil, nil, fmt.Errorf("teleporttest: a %T is no TLS connection", conn)
	}
	return conn, credentials.TLSInfo{
		State:          secure.ConnectionState(),
		CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
	}, nil
}

func (handshaken) ClientHandshake(context.Context, string, net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return nil, nil, errors.New("teleporttest: these credentials are for servers")
}

func (handshaken) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "tls"}
}

func (handshaken) Clone() credentials.TransportCredentials { return handshaken{} }

func (handshaken) OverrideServerName(string) error { return nil }

// registerProxy registers what the proxy serves by itself: joining, without a client certificate.
func (c *Cluster) registerProxy(s *grpc.Server) {
	proto.RegisterJoinServiceServer(s, &joinService{cluster: c})
}

// joinService is proto.JoinService, on the proxy and on the Auth Service.
type joinService struct {
	proto.UnimplementedJoinServiceServer

	cluster *Cluster
}

// RegisterUsingToken joins. Over an authenticated connection a bot keeps its instance.
func (s *joinService) RegisterUsingToken(ctx context.Context, req *types.RegisterUsingTokenRequest) (*proto.Certs, error) {
	req.BotInstanceID, req.BotGeneration, req.PreviousBotInstanceID = "", 0, ""
	join := joinRequest{RegisterUsingTokenRequest: req, remoteIP: remoteIPOf(ctx)}
	if who, err := callerFrom(ctx); err == nil {
		join.previous = who
	}
	return s.cluster.join(ctx, join)
}
