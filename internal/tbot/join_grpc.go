package tbot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/tbotctl/tbotctl/internal/route"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/metadata"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils/grpc/interceptors"
	"github.com/gravitational/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// protocolProxyGRPC is the ALPN name of the proxy's gRPC service for callers without a certificate (teleport-facts 2.3).
const protocolProxyGRPC = "teleport-proxy-grpc"

// errProtocol means that what answered at the proxy's address does not speak the protocol asked for or does not know the call:
// an old server, or a load balancer that ends TLS.
var errProtocol = errors.New("the proxy's address does not pass the " + protocolProxyGRPC + " protocol through")

// registerGRPC asks the proxy's JoinService. The TLS handshake is done before gRPC gets the connection, so that a certificate
// that is not trusted or a refused protocol comes back as itself and not as "unavailable".
func registerGRPC(ctx context.Context, cluster Cluster, request *types.RegisterUsingTokenRequest) (*proto.Certs, error) {
	secured, err := dialProxyGRPC(ctx, cluster)
	if err != nil {
		return nil, err
	}
	connection, err := grpc.NewClient("passthrough:///"+cluster.Proxy,
		grpc.WithTransportCredentials(insecure.NewCredentials()), // TLS is done already
		grpc.WithContextDialer(once(secured)),
		grpc.WithChainUnaryInterceptor(metadata.UnaryClientInterceptor, interceptors.GRPCClientUnaryErrorInterceptor),
		metadata.WithUserAgentFromTeleportComponent("tbotctl"),
	)
	if err != nil {
		_ = secured.Close()
		return nil, fmt.Errorf("preparing the join: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	certs, err := client.NewJoinServiceClient(proto.NewJoinServiceClient(connection)).RegisterUsingToken(ctx, request)
	// Closing changes nothing about the answer. gRPC closes what it took; where it took nothing, the connection is still ours.
	_, _ = connection.Close(), secured.Close()
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("asking %s: %w", cluster.Proxy, ctx.Err())
	case status.Code(err) == codes.DeadlineExceeded:
		// The server knows the deadline too and may notice it a moment earlier.
		return nil, fmt.Errorf("asking %s: %w", cluster.Proxy, context.DeadlineExceeded)
	case trace.IsNotImplemented(err):
		return nil, fmt.Errorf("%w: %w", errProtocol, err)
	}
	return certs, grpcVerdict(err, askedJoin, viaGRPC)
}

func dialProxyGRPC(ctx context.Context, cluster Cluster) (net.Conn, error) {
	secured, err := cluster.proxy().DialTLS(ctx, protocolProxyGRPC, "h2")
	switch {
	case route.IsProtocolRefused(err):
		return nil, fmt.Errorf("%w: %w", errProtocol, err)
	case err != nil:
		return nil, err
	}
	if secured.ConnectionState().NegotiatedProtocol != protocolProxyGRPC {
		_ = secured.Close()
		return nil, errProtocol
	}
	return secured, nil
}

// once hands out the one connection; a second dial means that the first was lost, and a join is not repeated silently.
func once(connection net.Conn) func(context.Context, string) (net.Conn, error) {
	var lock sync.Mutex
	return func(context.Context, string) (net.Conn, error) {
		lock.Lock()
		defer lock.Unlock()
		if connection == nil {
			return nil, errors.New("the connection to the proxy was lost")
		}
		taken := connection
		connection = nil
		return taken, nil
	}
}
